"""A model of ClickHouse and its clock, in which a test decides which actor takes the next step."""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Any, cast

import msgspec
import orjson
from clickhouse_connect.driver.external import ExternalData

from pipeline.runtime.errors import StatementError
from pipeline.store import erasures
from pipeline.store.archive import FEW_STATEMENT
from pipeline.store.archive import STATEMENT as READ_BACK
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.conversations import STARTS
from pipeline.store.conversations import STATEMENT as CURRENT_ROWS
from pipeline.store.erased_data import BOTS, EVENTS, ROWS
from pipeline.store.erasures import LOAD
from pipeline.store.schema.shadow_tables import SWAPPED
from pipeline.store.writer_state import READ_COMPLETE, READ_STATE, READ_STATE_AND_EVENTS
from schemas.conversation import Conversation
from schemas.erasure import Erasure, digest, event_digest
from schemas.turn import ConversationKey, Turn

TURN_FIELDS = len(Turn.__struct_fields__)
LIVE, NEW, OLD = "live", "live_new", "live_old"
_numbers = count()


class Step:
    """Awaited by an actor before each statement, so that the test may let another one go first."""

    def __await__(self) -> Generator[None]:
        yield


class Rows:
    """A ReplacingMergeTree: the greatest version of a key wins, and deleted rows do not show."""

    def __init__(self) -> None:
        self.uuid = str(next(_numbers))
        self.rows: dict[tuple[object, ...], Conversation] = {}

    def write(self, rows: Sequence[Conversation]) -> None:
        for row in rows:
            key = (row.bot_id, row.start, row.session_id, row.originating_request_id)
            if key not in self.rows or row.version >= self.rows[key].version:
                self.rows[key] = row

    def delete(self, gone: Callable[[Conversation], bool]) -> None:
        self.rows = {key: row for key, row in self.rows.items() if not gone(row)}

    def answered(self) -> list[Conversation]:
        shown = (row for row in self.rows.values() if not row.is_deleted)
        return sorted(shown, key=lambda row: (row.originating_request_id, row.start))

    def listed(self) -> set[str]:
        return {row.originating_request_id for row in self.answered()}


class Archive:
    """The archive: all distinct events, those of other content included."""

    def __init__(self) -> None:
        self.uuid = str(next(_numbers))
        self.events: dict[ConversationKey, set[Turn]] = defaultdict(set)

    def write(self, rows: Sequence[Turn]) -> None:
        for row in rows:
            turn = Turn(*msgspec.structs.astuple(row)[:TURN_FIELDS])
            self.events[turn.key].add(turn)

    def delete(self, gone: Callable[[Turn], bool]) -> None:
        for key, events in self.events.items():
            self.events[key] = {turn for turn in events if not gone(turn)}

    def archived(self) -> set[Turn]:
        return {turn for events in self.events.values() for turn in events}


class Database:
    """Tables by name; some may not exist yet."""

    def __init__(self) -> None:
        self.tables: dict[str, Rows | Archive] = {}

    def create(self, name: str) -> None:
        self.tables[name] = Archive() if name == "turns" else Rows()

    @property
    def conversations(self) -> Rows:
        return cast("Rows", self._table("conversations"))

    @property
    def turns(self) -> Archive:
        return cast("Archive", self._table("turns"))

    def _table(self, name: str) -> Rows | Archive:
        if name not in self.tables:
            raise StatementError(f"there is no table {name}")
        return self.tables[name]


class Server:
    """Databases by name, the clock in milliseconds, and the time of the last announcement."""

    def __init__(self) -> None:
        self.databases: dict[str, Database] = {}
        self.clock = 10**12  # so that the last announcement is older than Kafka's retention
        self.written = self.forgot = 0
        self.announced: dict[str, int] = {}
        """Times at which groups of workers announced themselves."""
        self.words: dict[tuple[str, str], Erasure] = {}
        self.erased: dict[str, set[int]] = defaultdict(set)
        self.unseen: set[int] = set()
        """Digests that were registered before their events were archived."""
        self.all_words: list[Erasure] = []
        self.said = 0
        self._combined = count()
        self.create(LIVE)
        for table in ("turns", "conversations"):
            self.live.create(table)

    @property
    def live(self) -> Database:
        return self.databases[LIVE]

    def create(self, database: str) -> None:
        self.databases[database] = Database()

    def first_state(self) -> bool:
        """Return whether a query for state and events reads the state first: every second one does."""
        return next(self._combined) % 2 == 0

    def exchange(self, table: str) -> None:
        live, new = self.databases[LIVE].tables, self.databases[NEW].tables
        live[table], new[table] = new[table], live[table]

    def client(self, database: str) -> ClickHouse:
        return cast("ClickHouse", Client(self, database))

    def connections(self) -> Databases:
        return cast("Databases", Connections(self))


class Connections:
    """Connections to databases by their current names."""

    live_name, shadow_name = LIVE, NEW

    def __init__(self, server: Server) -> None:
        self._server = server

    async def live(self) -> ClickHouse:
        return self._server.client(LIVE)

    async def of(self, name: str) -> ClickHouse:
        return self._server.client(name)

    async def present(self) -> list[str]:
        await Step()
        found = self._server.databases
        return [name for name in (LIVE, NEW, OLD) if name in found and len(found[name].tables) == len(IN_ORDER)]

    async def close(self) -> None:
        """Nothing is open."""


class Client:
    """A connection to the database that has this name at the moment."""

    cluster = ""

    def __init__(self, server: Server, database: str) -> None:
        self._server = server
        self._database = database

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, Any] = MappingProxyType({}),
        *,
        tables: ExternalData | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        await Step()
        if tables:
            parameters = {file.name: [orjson.loads(row) for row in file.data.splitlines()] for file in tables.files}
        server = self._server
        if statement == READ_STATE:
            return [self._state(parameters)]
        if statement == READ_STATE_AND_EVENTS:
            return [await self._state_and_events(parameters)]
        if statement == READ_COMPLETE:
            return [(uuid,) for *_, uuid in self._uuids()]
        if statement == LOAD:
            asked = {session for (session,) in parameters["requested"]}
            words = [(*msgspec.structs.astuple(word), []) for word in server.words.values() if word.session in asked]
            return [
                *words,
                *(("", one, 0, "", [*some]) for one, some in server.erased.items() if one in asked and some),
            ]
        return [*ANSWERS[statement](self._found(), parameters)]

    async def command(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Delete what exists when the statement begins."""
        await Step()
        found, since, last = self._found(), parameters["since"], parameters["last"]
        if statement == erasures.EVENTS:
            bot, events = parameters["bot"], parameters["events"]
            found.turns.delete(
                lambda turn: turn.bot_id == bot and since <= turn.timestamp <= last and event_digest(turn) in events
            )
        else:
            assert statement == erasures.ROWS
            bots, keys = parameters["bots"], parameters["keys"]
            found.conversations.delete(
                lambda row: row.bot_id in bots and since <= row.start <= last and digest(*row.key) in keys
            )
        await Step()

    async def insert(self, table: str, rows: Sequence[Any]) -> None:
        """Insert into the table that has this name when the statement begins; it may have another name when it ends."""
        await Step()
        if table == "forgotten":
            for word in rows:
                known = self._server.words.get((word.bot_id, word.session))
                if known is None or known.until <= word.until:
                    self._server.words[word.bot_id, word.session] = word
            self._server.all_words += rows
            self._server.said += 1
            self._server.forgot = self._server.clock
        elif table == "forgotten_events":
            held = self._server.databases.values()
            archived = {event_digest(turn) for one in held if "turns" in one.tables for turn in one.turns.archived()}
            for one in rows:
                if one.event not in archived | self._server.erased[one.session]:
                    self._server.unseen.add(one.event)
                self._server.erased[one.session].add(one.event)
        elif table == "runs":
            self._server.announced.update({row.run: self._server.clock for row in rows})
        elif rows:
            found = self._found()
            into = found.turns if table == "turns" else found.conversations
            await Step()
            into.write(rows)

    async def close(self) -> None:
        """Nothing is open."""

    def _state(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        server = self._server
        others = [saved for group, saved in server.announced.items() if group != parameters["group"]]
        return (
            server.clock,
            max(server.written, *others) if others else server.written,
            (server.forgot, server.said),
            self._uuids(),
        )

    async def _state_and_events(self, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
        """Read both in either order, and let others take steps in between."""
        if self._server.first_state():
            state = self._state(parameters)
            await Step()
            return (*state, _read_back(self._found(), parameters))
        events = _read_back(self._found(), parameters)
        await Step()
        return (*self._state(parameters), events)

    def _found(self) -> Database:
        if self._database not in self._server.databases:
            raise StatementError(f"there is no database {self._database}")
        return self._server.databases[self._database]

    def _uuids(self) -> list[tuple[str, str, str]]:
        return sorted(
            (name, table, held.uuid)
            for name in (LIVE, NEW)
            if name in self._server.databases
            for table, held in self._server.databases[name].tables.items()
        )


Answers = Iterable[tuple[object, ...]]


def _read_back(found: Database, parameters: Mapping[str, Any]) -> Answers:
    keys = map(tuple, parameters["requested"])
    return [msgspec.structs.astuple(turn) for key in keys for turn in found.turns.events.get(key, ())]


def _current_rows(found: Database, parameters: Mapping[str, Any]) -> Answers:
    rows = found.conversations.rows
    at_places = (rows.get((bot, start, *rest)) for bot, start, *rest in orjson.loads(parameters["places"]))
    return [msgspec.structs.astuple(row) for row in at_places if row and not row.is_deleted]


def _starts(found: Database, parameters: Mapping[str, Any]) -> Answers:
    keys = set(map(tuple, parameters["requested"]))
    return [(*row.key, row.start, row.version) for row in found.conversations.answered() if row.key in keys]


def _bots(found: Database, parameters: Mapping[str, Any]) -> Answers:
    tables = (found.turns.events, (row.key for row in found.conversations.rows.values()))
    return [(bot,) for table in tables for bot, session, _ in table if session == parameters["session_id"]]


def _events(found: Database, parameters: Mapping[str, Any]) -> Answers:
    asked = {tuple(session) for session in parameters["sessions"]}
    some = (events for key, events in found.turns.events.items() if key[:2] in asked)
    return [msgspec.structs.astuple(turn) for events in some for turn in events]


def _rows(found: Database, parameters: Mapping[str, Any]) -> Answers:
    asked = {tuple(session) for session in parameters["sessions"]}
    rows = (row for row in found.conversations.rows.values() if row.key[:2] in asked)
    return [(*row.key, row.start, row.version, row.is_deleted) for row in rows]


ANSWERS: dict[str, Callable[[Database, Mapping[str, Any]], Answers]] = {
    READ_BACK: _read_back,
    FEW_STATEMENT: _read_back,
    CURRENT_ROWS: _current_rows,
    STARTS: _starts,
    BOTS: _bots,
    EVENTS: _events,
    ROWS: _rows,
    erasures.MASKED: lambda _, __: [],
}
"""Answers to the queries of one database."""

IN_ORDER = [table for table in SWAPPED if table != "bots"]
"""The order in which the model's tables change places."""
