"""Two databases in; how many conversations and events differ between them, by column, with examples, out."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.store.client import ClickHouse
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ConversationKey

KEY = ("bot_id", "session_id", "originating_request_id")
IDENTITY = (*KEY, "timestamp", "request_id", "response_reason")
COMPARED = tuple(name for name in columns(Conversation) if name not in {*KEY, "is_deleted"})
EXAMPLES = 3
"""Of each kind of difference."""
ROWS_A_PART = 1_000_000
"""Rows that are joined at a time: about 300 MB in the server."""

PART = "cityHash64(session_id) % {parts:UInt64} = {part:UInt64}"

NAMED, NAMED_KEY = ", ".join(COMPARED), ", ".join(KEY)
DIFFERS = {name: f"live.there AND new.there AND live.{name} != new.{name}" for name in (*COMPARED, "values")}
COUNTS = ", ".join(f"countIf({DIFFERS[name]})" for name in COMPARED)
FIRST = ", ".join(
    f"groupArrayIf({EXAMPLES})(({NAMED_KEY}, toString(live.{name}), toString(new.{name})), {DIFFERS[name]})"
    for name in COMPARED
)
CONVERSATIONS = f"""
SELECT count(), countIf({DIFFERS["values"]}), countIf(NOT new.there), countIf(NOT live.there),
       groupArrayIf({EXAMPLES})(({NAMED_KEY}), NOT new.there),
       groupArrayIf({EXAMPLES})(({NAMED_KEY}), NOT live.there),
       {COUNTS}, {FIRST}
FROM (SELECT {NAMED_KEY}, {NAMED}, tuple({NAMED}) AS values, 1 AS there
      FROM {{live:Identifier}}.conversations FINAL WHERE {PART}) AS live
FULL JOIN (SELECT {NAMED_KEY}, {NAMED}, tuple({NAMED}) AS values, 1 AS there
           FROM {{new:Identifier}}.conversations FINAL WHERE {PART}) AS new
USING ({NAMED_KEY})
"""  # noqa: S608 - what is written in are names of a struct's fields

NAMED_IDENTITY = ", ".join(IDENTITY)
LACKING = f"""
SELECT count(), groupArray({EXAMPLES})(({NAMED_KEY}))
FROM (SELECT DISTINCT {NAMED_IDENTITY} FROM {{live:Identifier}}.turns WHERE {PART}) AS live
LEFT ANTI JOIN (SELECT {NAMED_IDENTITY} FROM {{new:Identifier}}.turns WHERE {PART}) AS new
USING ({NAMED_IDENTITY})
"""  # noqa: S608 - as above

COUNT = "SELECT count() FROM {database:Identifier}.{table:Identifier}"


class Example(msgspec.Struct, frozen=True):
    """A conversation of which a column differs: what the live row has, and what the new one."""

    key: ConversationKey
    live: str
    new: str


class Comparison(msgspec.Struct):
    """`different` have other columns, `columns` counts which; `missing` are live and not new, `extra` the reverse.

    `lacking` counts events of the live archive that the new one does not have.
    """

    conversations: int = 0
    different: int = 0
    missing: int = 0
    extra: int = 0
    lacking: int = 0
    columns: dict[str, int] = {}
    examples: dict[str, list[Example]] = {}
    missing_examples: list[ConversationKey] = []
    extra_examples: list[ConversationKey] = []
    lacking_examples: list[ConversationKey] = []


async def compare(clickhouse: ClickHouse, live: str, new: str, rows_a_part: int = ROWS_A_PART) -> Comparison:
    """What changes when the tables of database `new` take the place of those of `live`; any time, part by part.

    Raises:
        TransientError: worth a second try.
    """
    comparison = Comparison()
    for part in await _parts(clickhouse, live, new, "conversations", rows_a_part):
        _add(comparison, (await clickhouse.rows(CONVERSATIONS, part))[0])
    for part in await _parts(clickhouse, live, new, "turns", rows_a_part):
        ((count, examples),) = await clickhouse.rows(LACKING, part)
        comparison.lacking += count
        comparison.lacking_examples = _first(comparison.lacking_examples, examples)
    return comparison


async def _parts(clickhouse: ClickHouse, live: str, new: str, table: str, rows_a_part: int) -> list[dict[str, object]]:
    counts = [(await clickhouse.rows(COUNT, {"database": name, "table": table}))[0][0] for name in (live, new)]
    parts = 1 + max(counts) // rows_a_part
    return [{"live": live, "new": new, "parts": parts, "part": part} for part in range(parts)]


def _add(comparison: Comparison, row: Sequence[Any]) -> None:
    total, different, missing, extra, missing_examples, extra_examples, *columns = row
    counts, examples = columns[: len(COMPARED)], columns[len(COMPARED) :]
    comparison.conversations += total
    comparison.different += different
    comparison.missing += missing
    comparison.extra += extra
    comparison.missing_examples = _first(comparison.missing_examples, missing_examples)
    comparison.extra_examples = _first(comparison.extra_examples, extra_examples)
    named = {name: count for name, count in zip(COMPARED, counts, strict=True) if count}
    comparison.columns = dict(Counter(comparison.columns) + Counter(named))
    for name, found in zip(COMPARED, examples, strict=True):
        if found:
            known = comparison.examples.get(name, [])
            fresh = [Example((bot, session, request), one, other) for bot, session, request, one, other in found]
            comparison.examples[name] = [*known, *fresh][:EXAMPLES]


def _first(known: list[ConversationKey], found: Sequence[Sequence[str]]) -> list[ConversationKey]:
    return [*known, *((bot, session, request) for bot, session, request in found)][:EXAMPLES]
