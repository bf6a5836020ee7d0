"""Encode turns of a conversation as the log entries that Lex would write."""

import base64
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from pipeline.demo.conversation import DemoConversation
from pipeline.demo.dialog import FALLBACK, DemoTurn

JSON = dict[str, Any]


def entry_v2(conversation: DemoConversation, index: int, timestamp: int) -> bytes:
    """Encode turn number `index` of `conversation`, at `timestamp` in milliseconds, as a Lex V2 entry."""
    demo_turn = conversation.turns[index]
    alias_id, alias_name = conversation.alias
    attributes = {"x-amz-lex:channels:platform": conversation.channel} if conversation.channel else {}
    return orjson.dumps(
        {
            "messageVersion": "2.0",
            "timestamp": iso(timestamp),
            "requestId": conversation.request_ids[index],
            "sessionId": conversation.session_id,
            "inputMode": demo_turn.mode,
            "operationName": "RecognizeText" if demo_turn.mode == "Text" else "StartConversation",
            "responseReason": "UtteranceResponse",
            "developerOverride": False,
            "missedUtterance": demo_turn.missed,
            "bot": {
                "id": conversation.bot.id,
                "name": conversation.bot.name,
                "aliasId": alias_id,
                "aliasName": alias_name,
                "version": conversation.version,
                "localeId": conversation.locale,
            },
            "requestAttributes": {"x-amz-lex:accept-content-types": "PlainText", **attributes},
            "inputTranscript": demo_turn.text,
            "rawInputTranscript": demo_turn.text,
            "transcriptions": [_transcription(demo_turn)],
            "sessionState": _session_state(conversation, demo_turn),
            "interpretations": _interpretations(demo_turn),
            "messages": [{"contentType": "PlainText", "content": demo_turn.reply}],
        }
    )


def entry_v1(conversation: DemoConversation, index: int, timestamp: int, began: int) -> bytes:
    """Encode that turn as a Lex V1 entry; `began` is the time of the conversation's first turn, in milliseconds."""
    demo_turn = conversation.turns[index]
    session = f"{iso(began)}-{conversation.request_ids[0][:8]}"
    return orjson.dumps(
        {
            "messageVersion": "1.0",
            "botName": conversation.bot.name,
            "botAlias": conversation.alias[1],
            "botVersion": conversation.version,
            "inputTranscript": demo_turn.text,
            "botResponse": demo_turn.reply,
            "intent": None if demo_turn.missed else demo_turn.intent,
            "nluIntentConfidence": "0.93",
            "slots": {name: value or None for name, value in demo_turn.slots},
            "alternativeIntents": [{"name": "AMAZON.FallbackIntent", "slots": {}}],
            "developerOverride": "false",
            "missedUtterance": demo_turn.missed,
            "inputDialogMode": demo_turn.mode,
            "requestId": conversation.request_ids[index],
            "userId": conversation.session_id,
            "sessionId": session,
            "slotToElicit": demo_turn.elicit or None,
            "dialogState": demo_turn.state if demo_turn.action == "Close" else demo_turn.action,
            "locale": conversation.locale,
            "timestamp": iso(timestamp),
            "requestAttributes": {"x-amz-lex:channel-type": conversation.channel},
            "sessionAttributes": {},
        }
    )


def envelope(entries: Sequence[bytes], timestamp: int) -> bytes:
    """Wrap `entries` in one message, as a CloudWatch Logs subscription does for a Lambda function."""
    events = [
        {"id": f"{timestamp:013d}{number:043d}", "timestamp": timestamp, "message": entry.decode()}
        for number, entry in enumerate(entries)
    ]
    data = {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/lex/wayfarer",
        "logStream": "live",
        "subscriptionFilters": ["to-turnfold"],
        "logEvents": events,
    }
    packed = gzip.compress(orjson.dumps(data), mtime=0)
    return orjson.dumps({"awslogs": {"data": base64.b64encode(packed).decode()}})


def broken_inputs(entry: bytes) -> list[bytes]:
    """Return four inputs that are not log entries but end up in such topics; one is `entry`, cut in half."""
    return [
        b"START RequestId: 6c1f5ad2-2f0e-4d47-9d0b-2f1f6f8f7d11 Version: $LATEST",
        entry[: len(entry) // 2],
        orjson.dumps({**orjson.loads(entry), "timestamp": "yesterday"}),
        orjson.dumps(
            {
                "messageVersion": "1.0",
                "invocationSource": "DialogCodeHook",
                "inputMode": "Text",
                "sessionId": "test",
            }
        ),
    ]


def iso(timestamp: int) -> str:
    """Format milliseconds since 1970 as Lex writes times."""
    seconds, milliseconds = divmod(timestamp, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def _session_state(conversation: DemoConversation, demo_turn: DemoTurn) -> JSON:
    action: JSON = {"type": demo_turn.action}
    if demo_turn.elicit:
        action["slotToElicit"] = demo_turn.elicit
    return {
        "originatingRequestId": conversation.request_ids[0],
        "sessionAttributes": {"entrance": conversation.channel or "web page"},
        "dialogAction": action,
        "intent": {**_intent(demo_turn), "confirmationState": demo_turn.confirmation, "state": demo_turn.state},
    }


def _interpretations(demo_turn: DemoTurn) -> list[JSON]:
    fallback: JSON = {"intent": {"name": FALLBACK, "slots": {}}}
    if demo_turn.missed:
        return [fallback]
    return [
        {
            "nluConfidence": "0.94",
            "interpretationSource": "Lex",
            "intent": {**_intent(demo_turn), "state": demo_turn.state},
        },
        fallback,
    ]


def _transcription(demo_turn: DemoTurn) -> JSON:
    return {
        "transcription": demo_turn.text,
        "transcriptionConfidence": 1.0,
        "resolvedContext": {"intent": demo_turn.intent},
    }


def _intent(demo_turn: DemoTurn) -> JSON:
    return {"name": demo_turn.intent, "slots": {name: _slot(value) for name, value in demo_turn.slots}}


def _slot(value: str) -> JSON | None:
    if not value:
        return None
    return {
        "shape": "Scalar",
        "value": {"originalValue": value, "interpretedValue": value, "resolvedValues": [value]},
    }
