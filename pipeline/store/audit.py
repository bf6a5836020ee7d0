"""A condition on conversations in; what the archive and the rows say of them out."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.store.client import ClickHouse, Row
from pipeline.store.parts import KEY, Where
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ConversationKey, Turn

VERSIONS = "SELECT bot_id, session_id, originating_request_id, max(version) FROM conversations "

SETTINGS = {
    # a key lies in one partition, so nothing has to be merged across them
    "do_not_merge_across_partitions_select_final": 1,
    # the conditions are on the sorting key alone, so that what they leave out before FINAL is no version of a row
    "optimize_move_to_prewhere_if_final": 1,
}


@dataclass(frozen=True, slots=True)
class Said:
    """What the archive and the rows say of conversations.

    `events` may have several contents of one identity. `rows` are those that a query sees; `versions` has the greatest
    of any row, taken back or replaced ones included.
    """

    events: dict[ConversationKey, list[Turn]]
    rows: dict[ConversationKey, list[Conversation]]
    versions: dict[ConversationKey, int]

    @property
    def keys(self) -> set[ConversationKey]:
        """The conversations that either table knows."""
        return self.events.keys() | self.versions.keys()


async def look(clickhouse: ClickHouse, where: Where) -> Said:
    """All events and all rows of the conversations of `where`.

    Raises:
        TransientError: worth a second try.
    """
    said = Said(defaultdict(list), defaultdict(list), {})
    for row in await _final(clickhouse, "turns", list(columns(Turn)), where):
        turn = Turn(*row)
        said.events[turn.key].append(turn)
    for row in await _final(clickhouse, "conversations", list(columns(Conversation)), where):
        values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
        found = Conversation(*values)
        said.rows[found.bot_id, found.session_id, found.originating_request_id].append(found)
    for *key, version in await clickhouse.rows(VERSIONS + f"WHERE {where.sql} GROUP BY {KEY}", where.parameters):
        said.versions[tuple(key)] = version
    return said


async def _final(clickhouse: ClickHouse, table: str, names: list[str], where: Where) -> Sequence[Row]:
    sql = f"SELECT {', '.join(names)} FROM {table} FINAL WHERE {where.sql}"  # noqa: S608 - names and conditions of our own
    return await clickhouse.rows(sql, where.parameters, SETTINGS)
