"""Read the writer state: which other writers are active, and which tables exist.

Every writer reads it after its writes: see pipeline/materialise/PROTOCOL.md.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from pipeline.store.archive import FROM_FEW, TURN_COLUMNS, by_conversation, few_keys
from pipeline.store.connection.client import ClickHouse, Row
from pipeline.store.connection.databases import TABLES, Databases
from schemas.turn import ConversationKey, Turn

LEASE_MS = 30_000
"""Milliseconds for which a row of `runs` announces that its writer may be writing."""
MARGIN_MS = 5_000
"""Milliseconds: more than the time between a statement's `now64()` and its read can be."""

_ANNOUNCEMENTS = """
SELECT toUnixTimestamp64Milli(now64(3)),
       (SELECT toUnixTimestamp64Milli(max(saved)) FROM runs WHERE into_live AND run != {group:String}),
       (SELECT (toUnixTimestamp64Milli(max(saved)), count()) FROM forgotten)"""
_TABLES = """arraySort(groupArray((database, name, toString(uuid))))
FROM system.tables
WHERE database IN (currentDatabase(), {shadow:String}) AND name IN {tables:Array(String)}
"""
READ_STATE = f"{_ANNOUNCEMENTS}, {_TABLES}"
READ_STATE_AND_EVENTS = f"{_ANNOUNCEMENTS}, (SELECT {_TABLES}), groupArray(({', '.join(TURN_COLUMNS)})){FROM_FEW}"
READ_COMPLETE = """
SELECT toString(uuid)
FROM system.tables
WHERE (database, name) IN (
  SELECT database, table FROM system.columns
  WHERE database IN (currentDatabase(), {shadow:String}) AND table IN {tables:Array(String)}
  GROUP BY database, table
  HAVING count() >= transform(table, {tables:Array(String)}, {columns:Array(UInt64)}, toUInt64(0)))
"""
"""Shadow tables get their columns one migration after the other: a writer counts them once they accept its rows. No
table loses columns, so each is looked at until it has them. Only its UUID tells a table: names may be exchanged between
the two queries."""

Table = tuple[str, str, str]
"""(database, name, UUID): an exchange swaps the names of two tables, and a UUID stays with its table."""
Tables = tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class WriterState:
    """The state of other writers and of the tables, at one moment. Times are in milliseconds by the server's clock.

    `last_announcement` is when a writer other than a worker of this group last announced that it writes.
    `last_erasure` is when an erasure was last announced, 0 if there never was one; `erasure_count` is the number of
    rows that announce erasures.
    """

    now: int
    last_announcement: int
    last_erasure: int
    erasure_count: int
    tables: Tables

    @property
    def erasures_version(self) -> tuple[int, int]:
        """Return a value that changes with each announced erasure."""
        return (self.last_erasure, self.erasure_count)

    def only_workers_since(self, before: "WriterState") -> bool:
        """Return whether only workers of this group can have written since `before`, and nothing was erased."""
        last = max(self.last_announcement, self.last_erasure)
        return last + LEASE_MS + MARGIN_MS <= before.now and self.erasures_version == before.erasures_version

    def shared_within(self, milliseconds: int) -> bool:
        """Return whether a writer other than a worker of this group may have written within this time."""
        return self.last_announcement + LEASE_MS + MARGIN_MS > self.now - milliseconds


def has_tables(tables: Tables, database: str) -> bool:
    """Return whether `tables` has both tables of `database`."""
    return sum(table[0] == database for table in tables) == len(TABLES)


class WriterStateReader:
    """Reads the writer state, with the tables of the live and the shadow database."""

    def __init__(self, databases: Databases, group: Callable[[], str] = lambda: "") -> None:
        """`group` returns the name that the workers of the own group announce themselves by."""
        self._databases = databases
        self._group = group
        self._complete: set[str] = set()
        """UUIDs of tables that have all columns that this version writes."""

    @property
    def _named(self) -> dict[str, object]:
        return {"shadow": self._databases.shadow_name, "tables": list(TABLES), "group": self._group()}

    async def read(self) -> WriterState:
        """Read the state now.

        Raises:
            TransientError: ClickHouse does not answer; a retry may succeed.
        """
        live = await self._databases.live()
        (row,) = await live.rows(READ_STATE, self._named)
        return await self._state(live, row)

    async def read_with_events(
        self, keys: Collection[ConversationKey]
    ) -> tuple[WriterState, dict[ConversationKey, list[Turn]]]:
        """Read the state, and the archived events of a few conversations, in one query, in no certain order.

        The events may come from a table that was exchanged before the state was read.

        Raises:
            TransientError: a retry may succeed.
        """
        live = await self._databases.live()
        (row,) = await live.rows(READ_STATE_AND_EVENTS, {**self._named, **few_keys(keys)})
        return await self._state(live, row[:-1]), by_conversation(row[-1])

    async def _state(self, live: ClickHouse, row: Row) -> WriterState:
        """Return the state of a row of `READ_STATE`; one that shows unknown tables is read again after their columns.

        Tables that were exchanged and dropped in between would be missing, and others in their place be unknown.
        """
        while not self._complete.issuperset(uuid for *_, uuid in row[-1]):
            complete = await live.rows(READ_COMPLETE, {**self._named, "columns": list(TABLES.values())})
            self._complete.update(uuid for (uuid,) in complete)
            before = row[-1]
            (row,) = await live.rows(READ_STATE, self._named)
            if row[-1] == before:
                break
        now, last_announcement, (last_erasure, erasure_count), found = row
        tables = tuple((database, name, uuid) for database, name, uuid in found if uuid in self._complete)
        return WriterState(now, last_announcement, last_erasure, erasure_count, tables)
