"""Random conversations, and the results of a query over them, computed in the simplest way."""

import random
from collections.abc import Sequence

from schemas.conversation import Conversation
from schemas.fold_rules import FOLD_VERSION

NOW = 1_780_000_000_000
IDLE_TTL = 300.0
BOT = "BOTAAAAAA1"
OTHER_BOT = "BOTBBBBBB2"
INTENTS = ("BookHotel", "BookCar", "FallbackIntent")

TEXTS = ("a room, please", "a car", "no")

FIELDS = {
    "BotAliasId": "bot_alias_id",
    "BotVersion": "bot_version",
    "LocaleId": "locale_id",
    "Modality": "mode",
    "Channel": "channel",
    "SessionId": "session_id",
    "OriginatingRequestId": "originating_request_id",
    "IntentPath": "intent_path",
}
SORTS = {"ConversationStartTime": "start", "NumberOfTurns": "turns", "Duration": "duration_seconds"}


def conversation(number: int = 0, **changes: object) -> Conversation:
    """A closed conversation of one minute; `changes` replace its columns."""
    fields: dict[str, object] = {
        "bot_id": BOT,
        "start": NOW - 3_600_000,
        "session_id": f"session-{number}",
        "originating_request_id": f"request-{number}",
        "end": NOW - 3_540_000,
        "duration_seconds": 60,
        "turns": 3,
        "mode": "Text",
        "channel": "Slack",
        "bot_alias_id": "TSTALIASID",
        "bot_version": "DRAFT",
        "locale_id": "en_US",
        "intents": ("BookHotel",),
        "intent_path": "/BookHotel",
        "end_state": "Success",
        "version": 3,
        "fold": FOLD_VERSION,
    }
    return Conversation(**(fields | changes))  # type: ignore[arg-type]  # a table of columns has one type of value


def conversations(count: int, seed: int) -> list[Conversation]:
    """Conversations of two months, many of them with the same start, duration or number of turns."""
    rng = random.Random(seed)  # noqa: S311 -- test data
    return [_conversation(rng, number) for number in range(count)]


def _conversation(rng: random.Random, number: int) -> Conversation:
    start = NOW - rng.randrange(0, 5_000_000_000, rng.choice((1, 1_000, 500_000_000)))
    milliseconds = rng.choice((0, 999, 30_000, 59_999, 60_000, rng.randrange(900_000)))
    path = [rng.choice(INTENTS) for _ in range(rng.randrange(3))]
    return conversation(
        number,
        bot_id=rng.choice((BOT, BOT, BOT, OTHER_BOT)),
        start=start,
        session_id=f"session-{rng.randrange(number + 1)}",
        end=start + milliseconds,
        duration_seconds=milliseconds // 1000,
        turns=rng.randrange(5),
        mode=rng.choice(("", "Text", "Speech", "MultiMode")),
        channel=rng.choice(("", "Slack", "Connect Chat")),
        bot_alias_id=rng.choice(("TSTALIASID", "ALIASAAAA1")),
        bot_version=rng.choice(("DRAFT", "1", "12")),
        locale_id=rng.choice(("en_US", "en_GB", "de_DE")),
        intents=tuple(dict.fromkeys(path)),
        intent_path="/" + "/".join(path),
        end_state=rng.choice(("", "Success", "Failure")),
        utterance_texts=tuple(rng.choices(TEXTS, k=rng.randrange(3))),
    )


def end_state(row: Conversation, now: int = NOW, idle_ttl: float = IDLE_TTL) -> str:
    """The state that a query at `now` answers; empty where it answers none."""
    if row.end_state:
        return row.end_state
    return "Dropped" if (now - row.end) / 1000 > idle_ttl else ""


def fits(row: Conversation, name: str, operator: str, values: Sequence[str]) -> bool:
    """Whether a filter keeps the row."""
    if name == "Duration":
        wanted = [int(value) for value in values]
        taken = row.duration_seconds
        return {"EQ": taken in wanted, "GT": taken > wanted[0], "LT": taken < wanted[0]}[operator]
    if name == "UtteranceText":
        return any(text in values if operator == "EQ" else _contains(text, values) for text in row.utterance_texts)
    if name == "IntentPathStart":
        return bool(row.intent_path) and any(f"{row.intent_path}/".startswith(f"{path}/") for path in values)
    text = end_state(row) if name == "ConversationEndState" else getattr(row, FIELDS[name])
    if not text:
        return False
    return text in values if operator == "EQ" else _contains(text, values)


def _contains(text: str, parts: Sequence[str]) -> bool:
    return any(part in text for part in parts)


def ordered(rows: Sequence[Conversation], name: str, order: str) -> list[tuple[str, str]]:
    """Session and request of the rows, as a list sorted so answers them."""
    column = SORTS[name]
    found = sorted(rows, key=lambda row: (getattr(row, column), row.start, row.session_id, row.originating_request_id))
    if order == "Descending":
        found.reverse()
    return [(row.session_id, row.originating_request_id) for row in found]
