"""Build turn events for tests, as log entries, decoded turns and Hypothesis strategies, and fold them the slow way."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import strategies as st

from pipeline.fold.fold import fold
from schemas.conversation import Conversation
from schemas.fold_rules import FoldRules
from schemas.turn import ConversationKey, Turn, content_digest

START = 1_780_000_000_000
"""A time in 2026, in milliseconds."""

FALLBACK = frozenset({"FallbackIntent"})
RULES = FoldRules(FALLBACK)


def iso(milliseconds: int) -> str:
    """Return a time as Lex writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(**changes: Any) -> dict[str, Any]:
    """Return a Lex V2 log entry; `changes` replace top-level members."""
    return {
        "messageVersion": "2.0",
        "timestamp": iso(START),
        "requestId": "request-1",
        "sessionId": "session-1",
        "inputMode": "Text",
        "operationName": "RecognizeText",
        "missedUtterance": False,
        "inputTranscript": "I want a room",
        "bot": {
            "id": "BOTAAAAAA1",
            "name": "Travel",
            "aliasId": "TSTALIASID",
            "version": "1",
            "localeId": "en_US",
        },
        "sessionState": {
            "originatingRequestId": "request-1",
            "intent": {"name": "BookHotel", "state": "InProgress", "slots": {}},
            "dialogAction": {"type": "ElicitSlot"},
        },
        "messages": [{"contentType": "PlainText", "content": "In which city?"}],
    } | changes


def raw(**changes: Any) -> bytes:
    """Return a Lex V2 log entry as bytes."""
    return orjson.dumps(entry(**changes))


def turn(**changes: Any) -> Turn:
    """Return a decoded turn; `changes` replace its fields. Turns that differ have different contents."""
    fields: dict[str, Any] = {
        "bot_id": "BOTAAAAAA1",
        "session_id": "session-1",
        "originating_request_id": "request-1",
        "timestamp": START,
        "request_id": "request-1",
        "response_reason": "",
        "operation_name": "RecognizeText",
        "bot_name": "Travel",
        "bot_alias_id": "TSTALIASID",
        "bot_alias_name": "TestBotAlias",
        "bot_version": "1",
        "locale_id": "en_US",
        "input_mode": "Text",
        "channel": "",
        "intent_name": "BookHotel",
        "intent_state": "InProgress",
        "dialog_action": "ElicitSlot",
        "missed_utterance": False,
        "utterance": "I want a room",
        "slot_to_elicit": "",
    }
    return Turn(**{"content": content_digest(repr([fields, changes]).encode()), **fields, **changes})


REASONS = ("", "StillWaitingResponse", "FulfillmentStartedResponse", "FulfillmentUpdateResponse", "Another")


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    """Return a turn of one of three conversations; one in four differs in content from most others of its identity."""
    conversation, number, moment = draw(st.integers(0, 2)), draw(st.integers(0, 6)), draw(st.integers(0, 5))
    seed = (7 * conversation + 3 * number + moment + draw(st.sampled_from([0, 0, 0, 5]))) % 12
    return turn(
        session_id=f"session-{conversation % 2}",
        originating_request_id=f"origin-{conversation}",
        request_id=f"request-{number}",
        timestamp=START + 700 * moment,
        response_reason=draw(st.sampled_from(REASONS)) if number % 5 == 4 else "",
        operation_name=("RecognizeText", "PutSession")[seed == 1],
        input_mode=("Text", "Speech", "", "DTMF")[seed % 4],
        channel=("", "Slack", "Facebook")[seed % 3],
        bot_version=str(number % 3),
        intent_name=("BookHotel", "BookCar", "", "FallbackIntent")[seed % 4],
        intent_state=("InProgress", "Fulfilled", "Failed", "ReadyForFulfillment")[(seed + number) % 4],
        dialog_action=("Close", "ElicitSlot", "ConfirmIntent")[seed % 3],
        slot_to_elicit=("", "City", "Nights")[seed % 3],
        utterance=("", "a room", "Lisbon")[seed % 3],
        missed_utterance=seed % 4 == 3,
    )


def slow_fold(log: Sequence[Turn]) -> list[Conversation]:
    """Return the rows of these events, in whatever order and however often they occur."""
    sets: dict[ConversationKey, set[Turn]] = defaultdict(set)
    for one in log:
        sets[one.key].add(one)
    return sorted(map(_slow_row, sets.values()), key=lambda row: (row.originating_request_id, row.start))


def _slow_row(turns: set[Turn]) -> Conversation:
    counts = {one.identity: one for one in sorted(turns, key=lambda one: one.content)}
    return fold(counts.values(), RULES, len(turns) - len(counts))
