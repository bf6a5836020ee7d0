"""Compare two databases: count the conversations and events that differ, by column, with examples."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from pipeline.store.connection.client import ClickHouse
from schemas.columns import columns
from schemas.conversation import TRANSCRIPTS, Conversation
from schemas.turn import ConversationKey

KEY = ("bot_id", "session_id", "originating_request_id")
IDENTITY = (*KEY, "timestamp", "request_id", "response_reason")
COMPARED = tuple(name for name in columns(Conversation) if name not in {*KEY, "is_deleted"})
EXAMPLES = 3
"""Examples of each kind of difference at most."""
ROWS_PER_PART = 1_000_000
"""Rows joined at a time: about 300 MB in the server."""

PART = "cityHash64(session_id) % {parts:UInt64} = {part:UInt64}"

NAMED, NAMED_KEY = ", ".join(COMPARED), ", ".join(KEY)
DIFFERS = {name: f"live.there AND shadow.there AND live.{name} != shadow.{name}" for name in (*COMPARED, "values")}
COUNTS = ", ".join(f"countIf({DIFFERS[name]})" for name in COMPARED)


def _shown(column: str, name: str) -> str:
    """Build the SQL of a value in an example: of transcripts, their number and a digest."""
    if name not in TRANSCRIPTS:
        return f"toString({column})"
    return f"concat(toString(length({column})), ' texts, ', lower(hex(sipHash64({column}))))"


FIRST = ", ".join(
    f"groupArrayIf({EXAMPLES})(({NAMED_KEY}, {_shown(f'live.{name}', name)}, {_shown(f'shadow.{name}', name)}), "
    f"{DIFFERS[name]})"
    for name in COMPARED
)
CONVERSATIONS = f"""
SELECT count(), countIf({DIFFERS["values"]}), countIf(NOT shadow.there), countIf(NOT live.there),
       groupArrayIf({EXAMPLES})(({NAMED_KEY}), NOT shadow.there),
       groupArrayIf({EXAMPLES})(({NAMED_KEY}), NOT live.there),
       {COUNTS}, {FIRST}
FROM (SELECT {NAMED_KEY}, {NAMED}, tuple({NAMED}) AS values, 1 AS there
      FROM {{live:Identifier}}.conversations FINAL WHERE {PART}) AS live
FULL JOIN (SELECT {NAMED_KEY}, {NAMED}, tuple({NAMED}) AS values, 1 AS there
           FROM {{shadow:Identifier}}.conversations FINAL WHERE {PART}) AS shadow
USING ({NAMED_KEY})
"""  # noqa: S608 - interpolates names of a struct's fields

NAMED_IDENTITY = ", ".join(IDENTITY)
LACKING = f"""
SELECT count(), groupArray({EXAMPLES})(({NAMED_KEY}))
FROM (SELECT DISTINCT {NAMED_IDENTITY} FROM {{live:Identifier}}.turns WHERE {PART}) AS live
LEFT ANTI JOIN (SELECT {NAMED_IDENTITY} FROM {{shadow:Identifier}}.turns WHERE {PART}) AS shadow
USING ({NAMED_IDENTITY})
"""  # noqa: S608 - as above

COUNT = "SELECT count() FROM {database:Identifier}.{table:Identifier}"


class Example(msgspec.Struct, frozen=True):
    """A conversation in which a column differs: the value of the live row and that of the shadow row (`new`).

    In place of transcripts it has their number and a digest.
    """

    key: ConversationKey
    live: str
    new: str


class Comparison(msgspec.Struct):
    """Counts of differences between the live and the shadow tables.

    `different` counts conversations with other values, and `columns` says in which columns. `missing` counts those
    that only the live tables have, `extra` those that only the shadow tables have. `lacking` counts events of the
    live archive that the shadow archive does not have.
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


async def compare(clickhouse: ClickHouse, live: str, shadow: str, rows_per_part: int = ROWS_PER_PART) -> Comparison:
    """Compare part by part what a cutover from database `live` to `shadow` would change; it may run at any time.

    Raises:
        TransientError: a retry may succeed.
    """
    comparison = Comparison()
    for part in await _parts(clickhouse, live, shadow, "conversations", rows_per_part):
        _add(comparison, (await clickhouse.rows(CONVERSATIONS, part))[0])
    for part in await _parts(clickhouse, live, shadow, "turns", rows_per_part):
        ((count, examples),) = await clickhouse.rows(LACKING, part)
        comparison.lacking += count
        comparison.lacking_examples = _first(comparison.lacking_examples, examples)
    return comparison


async def _parts(
    clickhouse: ClickHouse, live: str, shadow: str, table: str, rows_per_part: int
) -> list[dict[str, object]]:
    counts = [(await clickhouse.rows(COUNT, {"database": name, "table": table}))[0][0] for name in (live, shadow)]
    parts = 1 + max(counts) // rows_per_part
    return [{"live": live, "shadow": shadow, "parts": parts, "part": part} for part in range(parts)]


def _add(comparison: Comparison, row: Sequence[Any]) -> None:
    total, different, missing, extra, missing_examples, extra_examples, *columns = row
    counts, examples = columns[: len(COMPARED)], columns[len(COMPARED) :]
    comparison.conversations += total
    comparison.different += different
    comparison.missing += missing
    comparison.extra += extra
    comparison.missing_examples = _first(comparison.missing_examples, missing_examples)
    comparison.extra_examples = _first(comparison.extra_examples, extra_examples)
    different = {name: count for name, count in zip(COMPARED, counts, strict=True) if count}
    comparison.columns = dict(Counter(comparison.columns) + Counter(different))
    for name, rows in zip(COMPARED, examples, strict=True):
        if rows:
            known = comparison.examples.get(name, [])
            added = [Example((bot, session, request), live, shadow) for bot, session, request, live, shadow in rows]
            comparison.examples[name] = [*known, *added][:EXAMPLES]


def _first(known: list[ConversationKey], added: Sequence[Sequence[str]]) -> list[ConversationKey]:
    return [*known, *((bot, session, request) for bot, session, request in added)][:EXAMPLES]
