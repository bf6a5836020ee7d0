"""Log entries of Lex V2 and V1 for one user's sessions, and an archive to insert them into."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import orjson

from pipeline.ingest.decode import decode_entry
from pipeline.query.get_session.archive import Archive
from pipeline.query.get_session.current import CurrentSessions
from pipeline.query.get_session.event import SessionEvent, read_event
from pipeline.store.connection.client import ClickHouse
from schemas.turn import ArchivedTurn, Turn
from tests.clickhouse_runner import Use
from tests.events import iso

NOW = 1_780_000_000_000
TTL = 300.0
BOT, BOT_NAME, ALIAS, ALIAS_NAME = "BOTAAAAAA1", "Travel", "TSTALIASID", "live"
USER = "user-1"
NAMES = (BOT_NAME, ALIAS_NAME, USER)
IDS = (BOT, ALIAS, "en_US", USER)

Names = tuple[str, str, str]
Ids = tuple[str, str, str, str]
Entry = dict[str, Any]


def scalar(value: str) -> Entry:
    """A filled slot of V2."""
    return {"shape": "Scalar", "value": {"originalValue": value, "interpretedValue": value, "resolvedValues": [value]}}


def v2(ago: float = 10, intent: str = "BookHotel", **changes: Any) -> Entry:
    """An entry of `ago` seconds before NOW. Of `changes`, `conversation`, `bot`, `intent_` and `state` go inside."""
    default = {"name": intent, "state": "InProgress", "confirmationState": "None", "slots": {"City": None}}
    state = {
        "originatingRequestId": changes.pop("conversation", "origin-1"),
        "sessionAttributes": {"tier": "gold"},
        "dialogAction": {"type": "ElicitSlot", "slotToElicit": "City"},
        "intent": default | changes.pop("intent_", {}),
    }
    bot = {"id": BOT, "name": BOT_NAME, "aliasId": ALIAS, "aliasName": ALIAS_NAME, "version": "1", "localeId": "en_US"}
    return {
        "messageVersion": "2.0",
        "timestamp": iso(NOW - round(ago * 1000)),
        "requestId": f"request-{ago}",
        "sessionId": USER,
        "bot": bot | changes.pop("bot", {}),
        "sessionState": state | changes.pop("state", {}),
        "messages": [{"contentType": "PlainText", "content": f"Reply of {ago}"}],
        "inputTranscript": f"Said {ago}",
    } | changes


def v1(ago: float = 10, intent: str = "BookHotel", **changes: Any) -> Entry:
    """The same of V1."""
    return {
        "messageVersion": "1.0",
        "timestamp": iso(NOW - round(ago * 1000)),
        "requestId": f"request-{ago}",
        "botName": BOT_NAME,
        "botAlias": ALIAS_NAME,
        "botVersion": "3",
        "userId": USER,
        "sessionId": "origin-1",
        "intent": intent,
        "slots": {"City": None},
        "dialogState": "ElicitSlot",
        "slotToElicit": "City",
        "locale": "en-US",
        "inputTranscript": f"Said {ago}",
        "botResponse": f"Reply of {ago}",
        "sessionAttributes": {"tier": "gold"},
    } | changes


def archived(entry: Entry | bytes) -> ArchivedTurn:
    """The row that the worker archives."""
    raw = entry if isinstance(entry, bytes) else orjson.dumps(entry)
    return ArchivedTurn(**msgspec.structs.asdict(decode_entry(raw, 1_048_576)), payload=raw)


def as_json(answer: object) -> Any:
    """What goes over the wire."""
    return orjson.loads(orjson.dumps(msgspec.to_builtins(answer)))


def event(entry: Entry | bytes) -> SessionEvent:
    """The event as it is read back."""
    row = msgspec.structs.asdict(archived(entry))
    return read_event(Turn(**{name: row[name] for name in Turn.__struct_fields__}), row["payload"].decode())


class Sessions:
    """An archive of its own. The clock stands at NOW until it is moved."""

    def __init__(self, use: Use) -> None:
        self.use = use
        self.now = NOW
        self.ttl: dict[str, float] = {}

    def insert(self, *entries: Entry | bytes) -> None:
        """Each call makes a part of its own."""
        rows = [archived(entry) for entry in entries]
        self.use(lambda clickhouse: clickhouse.insert("turns", rows))

    def v1(self, names: Names = NAMES, label: str | None = None) -> Any:
        """The answer of V1, as JSON."""
        return self._answer(lambda sessions: sessions.v1(*names, label))

    def v2(self, ids: Ids = IDS) -> Any:
        """The answer of V2, as JSON."""
        return self._answer(lambda sessions: sessions.v2(*ids))

    def transcript(self, most: int = 100) -> Any:
        """The transcript, as JSON."""
        return self._answer(lambda sessions: sessions.transcript(*NAMES, most))

    def _answer(self, ask: Callable[[CurrentSessions], Coroutine[Any, Any, msgspec.Struct]]) -> Any:
        def current(clickhouse: ClickHouse) -> CurrentSessions:
            return CurrentSessions(
                Archive(clickhouse), lambda: self.now, lambda bot: self.ttl.get(bot, TTL), lambda _: True
            )

        return as_json(self.use(lambda clickhouse: ask(current(clickhouse))))


def intents(answer: Any) -> Sequence[str]:
    """The names of the summaries."""
    return [summary["intentName"] for summary in answer["recentIntentSummaryView"]]
