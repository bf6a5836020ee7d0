"""Read the writer state: which other writers are active, and which tables exist.

Every writer reads it after its writes: see pipeline/materialise/PROTOCOL.md.
"""

from dataclasses import dataclass

from pipeline.store.client import ClickHouse
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn

LEASE_MS = 30_000
"""How long a word in `runs` says that its writer may be writing."""
MARGIN_MS = 5_000
"""More than the moment at which a statement tells the time may differ from that at which it reads."""

TABLES = {"turns": len(columns(ArchivedTurn)), "conversations": len(columns(Conversation))}
"""The tables that hold what was folded, and how many columns a row of ours has there."""
LOOK = """
SELECT toUnixTimestamp64Milli(now64(3)),
       (SELECT toUnixTimestamp64Milli(max(saved)) FROM runs WHERE into_live),
       (SELECT toUnixTimestamp64Milli(max(saved)) FROM forgotten),
       (SELECT count() FROM forgotten),
       (SELECT arraySort(groupArray((database, name, toString(uuid))))
        FROM system.tables
        WHERE (database, name) IN (
          SELECT database, table FROM system.columns
          WHERE database IN (currentDatabase(), {new:String}) AND table IN {tables:Array(String)}
          GROUP BY database, table
          HAVING count() >= transform(table, {tables:Array(String)}, {columns:Array(UInt64)}, toUInt64(0))))
"""
"""New tables get their columns one migration after the other: they are there for a writer once they take its rows."""

Table = tuple[str, str, str]
"""(database, name, UUID): names change hands when tables are swapped, a UUID stays with its table."""
Tables = tuple[Table, ...]


@dataclass(frozen=True, slots=True)
class WriterState:
    """What was so at `now`; `written` is when anybody but a worker last said that it writes. Both in server's ms.

    `forgot` is when somebody last said that a session is forgotten, 0 where nobody ever did; `words` is how many rows
    say so. Both together are something else when more was said.
    """

    now: int
    written: int
    forgot: int
    words: int
    tables: Tables

    @property
    def said(self) -> tuple[int, int]:
        """What is equal as long as nobody has said more of who is forgotten."""
        return (self.forgot, self.words)

    def alone_since(self, before: "WriterState") -> bool:
        """Whether nobody but workers can have written, or forgotten anything, between `before` and now."""
        last = max(self.written, self.forgot)
        return last + LEASE_MS + MARGIN_MS <= before.now and self.said == before.said

    def shared_within(self, milliseconds: int) -> bool:
        """Whether somebody else may have written within this time."""
        return self.written + LEASE_MS + MARGIN_MS > self.now - milliseconds


def has_both(tables: Tables, database: str) -> bool:
    """Whether both tables of `database` are among them."""
    return sum(table[0] == database for table in tables) == len(TABLES)


async def read_writer_state(clickhouse: ClickHouse, new: str) -> WriterState:
    """What is so now in the database of `clickhouse` and in `new`.

    Raises:
        TransientError: worth a second try.
    """
    asked = {"new": new, "tables": list(TABLES), "columns": list(TABLES.values())}
    ((now, written, forgot, words, tables),) = await clickhouse.rows(LOOK, asked)
    return WriterState(now, written, forgot, words, tuple(map(tuple, tables)))
