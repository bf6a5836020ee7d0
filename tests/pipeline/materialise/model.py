"""A model of ClickHouse and of its clock, in which a test decides who takes the next step: many orders, no waiting."""

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from itertools import count
from typing import Any, cast

import msgspec

from pipeline.errors import StatementError
from pipeline.store.client import ClickHouse
from pipeline.store.in_force import STATEMENT as IN_FORCE
from pipeline.store.read_back import STATEMENT as READ_BACK
from pipeline.store.surroundings import LOOK
from schemas.conversation import Conversation
from schemas.turn import ConversationKey, Turn

TURN_FIELDS = len(Turn.__struct_fields__)
_numbers = count()


class Step:
    """What an actor awaits before each statement: there the test may let another one go first."""

    def __await__(self) -> Generator[None]:
        yield


class Tables:
    """What ReplacingMergeTree makes of inserts: the greatest version of a key wins, deleted rows do not show."""

    def __init__(self) -> None:
        self.uuid = str(next(_numbers))
        self.rows: dict[tuple[object, ...], Conversation] = {}
        self.archive: dict[ConversationKey, dict[object, Turn]] = defaultdict(dict)

    def write(self, table: str, rows: Sequence[Any]) -> None:
        for row in rows:
            if table == "turns":
                turn = Turn(*msgspec.structs.astuple(row)[:TURN_FIELDS])
                self.archive[turn.key][turn.order] = turn
            else:
                key = (row.bot_id, row.start, row.session_id, row.originating_request_id)
                if key not in self.rows or row.version >= self.rows[key].version:
                    self.rows[key] = row

    def answered(self) -> list[Conversation]:
        shown = (row for row in self.rows.values() if not row.is_deleted)
        return sorted(shown, key=lambda row: (row.originating_request_id, row.start))

    def archived(self) -> set[object]:
        return {(key, order) for key, events in self.archive.items() for order in events}


class Server:
    """Databases by name, the clock in milliseconds, and when somebody last said that he writes into live tables."""

    def __init__(self) -> None:
        self.databases = {"live": Tables()}
        self.clock = 10_000_000
        self.written = 0

    @property
    def live(self) -> Tables:
        return self.databases["live"]

    def client(self, database: str) -> ClickHouse:
        return cast("ClickHouse", Client(self, database))


class Client:
    """One database, as the code under test knows it."""

    def __init__(self, server: Server, database: str) -> None:
        self._server = server
        self._database = database

    async def rows(
        self, statement: str, parameters: Mapping[str, Any], settings: object = None
    ) -> Sequence[tuple[Any, ...]]:
        assert settings is None
        await Step()
        if statement == LOOK:
            return [(self._server.clock, self._server.written, self._uuids())]
        tables = self._tables()
        if statement == READ_BACK:
            return [
                msgspec.structs.astuple(turn)
                for key in parameters["keys"]
                for turn in tables.archive.get(key, {}).values()
            ]
        assert statement == IN_FORCE
        found = (tables.rows.get((bot, start, *rest)) for bot, start, *rest in parameters["places"])
        return [msgspec.structs.astuple(row) for row in found if row and not row.is_deleted]

    async def insert(self, table: str, rows: Sequence[msgspec.Struct]) -> None:
        await Step()
        if rows:
            self._tables().write(table, rows)

    async def close(self) -> None:
        """Nothing is open."""

    def _tables(self) -> Tables:
        if self._database not in self._server.databases:
            raise StatementError(f"there is no database {self._database}")
        return self._server.databases[self._database]

    def _uuids(self) -> list[tuple[str, str, str]]:
        return sorted(
            (name, table, tables.uuid)
            for name, tables in self._server.databases.items()
            if name in {"live", "live_new"}
            for table in ("turns", "conversations")
        )
