"""Generate a table of conversations as writing leaves it and a plain copy of its current rows, and read both.

All rows are generated inside the engine, the same ones in each run. Each month has four parts, and each of them spans
the whole month: three hold a third of the conversations as first written; the fourth holds later versions, the last
version of every tenth conversation and, of every hundredth, its row at another start and the row that cancels the
first one. Merges are stopped. Live traffic leaves parts that hardly overlap, so this is the harder case for FINAL.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from pipeline.query.analytics.context import QueryContext, Row
from pipeline.query.analytics.page_token import PageTokens
from pipeline.query.list_sessions.handler import SessionLists
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.query.list_sessions.sql import SETTINGS, Cursor, SessionQuery, select
from pipeline.store.connection.client import ClickHouse
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.fold_rules import FOLD_VERSION
from tests import services

HOUR, DAY = 3_600_000, 86_400_000
END = 1_780_000_000_000
"""Start of the last conversation, in ms since 1970."""
SPAN = 400 * DAY
BOTS = ("BOTAAAAAA1", "BOTBBBBBB2", "BOTCCCCCC3")
"""Bots; the first has nine of ten conversations."""

SLOTS = ["City", "Date", "Nights", "ConfirmIntent"]
COMMON = [
    *("yes", "no", "hello", "thank you", "help", "cancel", "agent please", "what is the price", "tomorrow", "Paris"),
    *("two nights", "my booking", "change it", "I do not know", "next Friday", "start again"),
]
WORDS = [
    *(
        "hotel",
        "room",
        "car",
        "train",
        "ticket",
        "seat",
        "window",
        "trip",
        "flight",
        "transfer",
        "breakfast",
        "invoice",
    ),
    *("refund", "Berlin", "Rome", "Madrid", "London", "Oslo", "Vienna", "Prague", "Lisbon", "Dublin", "nights", "days"),
    *("weeks", "people", "morning", "evening", "Friday", "Monday", "late", "early"),
]
"""What utterances are made of: half of them of these texts and words, one of ten has a number that is its own."""

SIZE = 11
"""Rows of a page of 10, and the row that shows that there is a next page."""
PATIENCE = 300.0

INSERT = f"""
INSERT INTO conversations ({", ".join(columns(Conversation))})
WITH
    cityHash64(number, 1) AS a, cityHash64(number, 2) AS b, cityHash64(number, 3) AS c,
    {{rows:Int64}} AS rows,
    least(60, 1 + toUInt32(-{{turns:Float64}} * log((a % 999983 + 1) / 999983))) AS turns_in_the_end,
    -- three of ten are of users who come back, a few of them often
    if(b % 10 < 3, toUInt64(rows / 50 * pow((b % 999979) / 999979, 3)), number) AS user,
    lower(hex(MD5(toString(number)))) AS hash,
    ['BookHotel', 'BookCar', 'BookTrain', 'CancelBooking', 'FallbackIntent'] AS intents,
    arrayCompact(arrayMap(place -> intents[1 + bitShiftRight(c, 4 * place) % 5], range(1 + c % 3))) AS path,
    number % 100 = 3 AS moves,
    deleted OR ({{later:UInt8}} = 0 AND (moves OR number % 10 = 7)) AS early,
    turns_in_the_end - (early AND turns_in_the_end > 1) AS seen,
    {{since:Int64}} + intDiv(toInt64(number) * {{span:Int64}}, rows) + 1500 * (early AND moves) AS began,
    began + (seen - 1) * 11000 + b % 9000 AS ended,
    if(early OR c % 100 < 20, '', if(c % 100 < 80, 'Success', 'Failure')) AS end_state,
    -- one visit for each intent of the path, and the same number of stages in each
    if({{items:UInt8}}, path, []) AS visits,
    arrayMap((intent, after) -> multiIf(intent = 'FallbackIntent' OR after = 'FallbackIntent', 'Failed',
        after != '', 'Switched', end_state = 'Failure', 'Failed', end_state),
        visits, arrayResize(arrayPopFront(visits), length(visits), '')) AS states,
    bitShiftRight(c, 20) % 4 AS stages,
    arrayFlatten(arrayMap(place -> arrayWithConstant(stages, place), arrayEnumerate(visits))) AS stage_visits,
    arrayMap(place -> place % greatest(stages, 1) = 0, arrayEnumerate(stage_visits)) AS is_last,
    arrayMap((visit, last) -> if(last, visits[visit + 1], ''), stage_visits, is_last) AS switches,
    -- one utterance for each turn, half of them of a few common texts
    arrayMap(turn -> cityHash64(number, 4, turn), range(seen * {{items:UInt8}})) AS said
SELECT
    if(a % 100 < 90, '{BOTS[0]}', if(a % 100 < 97, '{BOTS[1]}', '{BOTS[2]}')),
    fromUnixTimestamp64Milli(began, 'UTC'),
    lower(hex(MD5(concat('user-', toString(user))))),
    concat(substring(hash, 1, 8), '-', substring(hash, 9, 4), '-4', substring(hash, 14, 3), '-a',
           substring(hash, 18, 3), '-', substring(hash, 21, 12)),
    fromUnixTimestamp64Milli(ended, 'UTC'),
    intDiv(ended - began, 1000),
    seen,
    ['Text', 'Speech', 'DTMF', 'MultiMode'][1 + intDiv(b % 1000, 301)],
    ['', 'Slack', 'Facebook', 'Connect Chat'][1 + c % 4],
    if(a % 10 < 7, 'TSTALIASID', 'ALIASAAAA1'),
    toString(1 + b % 30),
    if(b % 100 < 70, 'en_US', if(b % 100 < 95, 'en_GB', 'de_DE')),
    arrayDistinct(path),
    concat('/', arrayStringConcat(path, '/')),
    end_state,
    1 + seen + deleted,
    deleted,
    visits,
    arrayEnumerate(visits),
    states,
    arrayMap(visit -> visits[visit], stage_visits),
    arrayMap(place -> {SLOTS}[1 + place % 4], arrayEnumerate(stage_visits)),
    arrayMap((visit, last, after) -> multiIf(NOT last, 'Success', after = 'FallbackIntent', 'Failed',
        after != '' OR states[visit] = 'Switched', 'Dropped', states[visit]), stage_visits, is_last, switches),
    arrayMap(after -> if(after = 'FallbackIntent', '', after), switches),
    arrayMap(place -> if(bitShiftRight(c, 30 + place) % 4 = 0, 1, 0), arrayEnumerate(stage_visits)),
    arrayMap(turn -> fromUnixTimestamp64Milli(toInt64(began + turn * 11000), 'UTC'), range(length(said))),
    arrayMap(turn -> toString(reinterpretAsUUID(sipHash128(number, turn))), range(length(said))),
    arrayMap(h -> multiIf(
        h % 10 < 5, {COMMON}[1 + bitShiftRight(h, 8) % 16],
        h % 10 < 9, concat('book a ', {WORDS}[1 + bitShiftRight(h, 8) % 32], ' ',
            {WORDS}[1 + bitShiftRight(h, 13) % 32], ' for ',
            toString(bitShiftRight(h, 18) % 20), ' ', {WORDS}[1 + bitShiftRight(h, 23) % 32]),
        concat('my order is ', upper(hex(toUInt32(bitShiftRight(h, 32)))))), said),
    arrayMap(h -> h % 20 = 0, said),
    arrayMap(h -> path[1 + h % length(path)], said),
    arrayMap(h -> if(h % 3 = 0, {SLOTS}[1 + bitShiftRight(h, 8) % 4], ''), said),
    {FOLD_VERSION}
FROM numbers({{first:UInt64}}, {{count:UInt64}})
ARRAY JOIN if({{later:UInt8}} = 1 AND number % 100 = 3, [0, 1], [0]) AS deleted
WHERE if({{later:UInt8}} = 1, number % 10 = 7 OR number % 100 = 3, number % 3 = {{third:UInt8}})
"""  # noqa: S608 - constants only

PLAIN = """
CREATE TABLE plain AS conversations
ENGINE = MergeTree PARTITION BY toYYYYMM(start) ORDER BY (bot_id, start, session_id, originating_request_id)
"""
COPY = "INSERT INTO plain SELECT * FROM conversations FINAL WHERE toYYYYMM(start) = {month:UInt32}"
MONTHS = "SELECT DISTINCT toYYYYMM(start) FROM conversations"
MERGE = "OPTIMIZE TABLE plain PARTITION ID {month:String} FINAL"
STATE = """
SELECT table, count(), sum(rows), sum(bytes_on_disk) FROM system.parts
WHERE active AND database = currentDatabase() AND table IN ('conversations', 'plain') GROUP BY table
"""


class Shape(NamedTuple):
    """The conversations to make."""

    span: int = SPAN
    """Time of them all, in ms."""
    turns: float = 4.0
    """Mean number of turns."""
    items: bool = False
    """Whether they have visits, stages and utterances."""
    patience: float = PATIENCE
    """Seconds within which they are made."""


LISTED = Shape()


def fill(
    url: str, database: str, rows: int, progress: Callable[[str], None], shape: Shape = LISTED
) -> dict[str, dict[str, int]]:
    """Fill the empty table `conversations`, create `plain` from it, and return parts, rows and bytes on disk of
    both."""
    deadline = time.monotonic() + shape.patience

    def run(statement: str, **parameters: object) -> str:
        assert time.monotonic() < deadline, f"the tables are not made within {shape.patience:g} s"
        settings = {"database": database, "min_insert_block_size_rows": rows, "min_insert_block_size_bytes": 0}
        settings |= {"max_execution_time": shape.patience}
        bound = {f"param_{name}": value for name, value in parameters.items()}
        return services.ask(url, statement, url_parameters=settings | bound, timeout=shape.patience).text

    run("SYSTEM STOP MERGES conversations")
    shared = {"rows": rows, "since": END - shape.span, "turns": shape.turns, "items": int(shape.items)}
    for first, beyond in months(rows, shape.span):
        progress(f"{rows:,} conversations: {beyond:,} written")
        shared |= {"span": shape.span, "first": first, "count": beyond - first}
        for third in range(3):
            run(INSERT, later=0, third=third, **shared)
        run(INSERT, later=1, third=0, **shared)
    run(PLAIN)
    for month in run(MONTHS).split():
        progress(f"{rows:,} conversations: {month} copied")
        run(COPY, month=month)
        run(MERGE, month=month)
    found = (line.split("\t") for line in run(STATE).splitlines())
    return {table: {"parts": int(parts), "rows": int(count), "bytes": int(size)} for table, parts, count, size in found}


def months(rows: int, span: int = SPAN) -> Iterator[tuple[int, int]]:
    """Return the range of conversation numbers of each month, without its end."""
    first, at = 0, datetime.fromtimestamp((END - span) / 1000, UTC)
    while first < rows:
        at = datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)
        beyond = min(rows, -(-(int(at.timestamp()) * 1000 - END + span) * rows // span))
        yield first, beyond
        first = beyond


class Reader:
    """Reads pages in three ways, and counts what ClickHouse reports as read."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._client = clickhouse._client
        context = QueryContext(self, PageTokens(""), lambda: END, lambda _: 0.0, lambda _: True)
        self._lists = SessionLists(context, PageSpans())
        self.rows_read = self.bytes_read = 0

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Row]:
        """Return rows as ClickHouse.rows."""
        result = await self._client.query(
            statement,
            dict(parameters or {}),
            {**(settings or {}), "max_execution_time": PATIENCE},
            query_formats={"DateTime64": "int"},
        )
        self.rows_read += int(result.summary["read_rows"])
        self.bytes_read += int(result.summary["read_bytes"])
        rows: Sequence[Row] = result.result_rows
        return rows

    async def ours(self, query: SessionQuery, last: Cursor | None) -> Sequence[Row]:
        """Read a page as the query layer does."""
        return await self._lists._rows(query, last, END, SIZE)

    async def whole(self, query: SessionQuery, last: Cursor | None) -> Sequence[Row]:
        """Read a page with FINAL over the whole window."""
        statement = select(query, last, END, SIZE)
        return await self.rows(statement.sql, statement.parameters, SETTINGS)

    async def plain(self, query: SessionQuery, last: Cursor | None, skip: int = 0) -> Sequence[Row]:
        """Read a page without FINAL from the plain copy, after the first `skip` rows."""
        statement = select(query, last, END, SIZE)
        sql = statement.sql.replace("conversations FINAL", "plain")
        return await self.rows(f"{sql} OFFSET {skip}", statement.parameters)
