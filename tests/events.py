"""Turn events for tests: as log entries, as decoded turns, and as Hypothesis makes them."""

from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import strategies as st

from schemas.turn import Turn

START = 1_780_000_000_000
"""An instant in 2026, in milliseconds."""

FALLBACK = frozenset({"FallbackIntent"})


def iso(milliseconds: int) -> str:
    """The instant as Lex writes it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(**changes: Any) -> dict[str, Any]:
    """A Lex V2 log entry; `changes` replace members at its top."""
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
    """The same, as bytes."""
    return orjson.dumps(entry(**changes))


def turn(**changes: Any) -> Turn:
    """A decoded turn; `changes` replace its fields."""
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
    }
    return Turn(**fields | changes)


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    """A turn of one of three conversations; two that are equal in identity are equal in all."""
    conversation, number, moment = draw(st.integers(0, 2)), draw(st.integers(0, 6)), draw(st.integers(0, 5))
    seed = (7 * conversation + 3 * number + moment) % 12
    return turn(
        session_id=f"session-{conversation % 2}",
        originating_request_id=f"origin-{conversation}",
        request_id=f"request-{number}",
        timestamp=START + 700 * moment,
        response_reason=("", "FulfillmentUpdateResponse")[number % 5 == 4],
        operation_name=("RecognizeText", "PutSession")[seed == 1],
        input_mode=("Text", "Speech", "", "DTMF")[seed % 4],
        channel=("", "Slack", "Facebook")[seed % 3],
        bot_version=str(number % 3),
        intent_name=("BookHotel", "BookCar", "", "FallbackIntent")[seed % 4],
        intent_state=("InProgress", "Fulfilled", "Failed", "ReadyForFulfillment")[(seed + number) % 4],
        dialog_action=("Close", "ElicitSlot")[seed % 2],
    )
