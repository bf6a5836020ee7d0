"""A turn of a talk and its time in; the log entry that Lex would write of it out, as bytes."""

import base64
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from pipeline.demo.script import Talk
from pipeline.demo.visit import FALLBACK, Step

JSON = dict[str, Any]


def entry_v2(talk: Talk, place: int, timestamp: int) -> bytes:
    """The Lex V2 entry of turn number `place` of `talk`, at `timestamp` in milliseconds."""
    step = talk.steps[place]
    alias_id, alias_name = talk.alias
    attributes = {"x-amz-lex:channels:platform": talk.channel} if talk.channel else {}
    return orjson.dumps(
        {
            "messageVersion": "2.0",
            "timestamp": iso(timestamp),
            "requestId": talk.request_ids[place],
            "sessionId": talk.session_id,
            "inputMode": step.mode,
            "operationName": "RecognizeText" if step.mode == "Text" else "StartConversation",
            "responseReason": "UtteranceResponse",
            "developerOverride": False,
            "missedUtterance": step.missed,
            "bot": {
                "id": talk.bot.id,
                "name": talk.bot.name,
                "aliasId": alias_id,
                "aliasName": alias_name,
                "version": talk.version,
                "localeId": talk.locale,
            },
            "requestAttributes": {"x-amz-lex:accept-content-types": "PlainText", **attributes},
            "inputTranscript": step.text,
            "rawInputTranscript": step.text,
            "transcriptions": [_transcription(step)],
            "sessionState": _session_state(talk, step),
            "interpretations": _interpretations(step),
            "messages": [{"contentType": "PlainText", "content": step.reply}],
        }
    )


def entry_v1(talk: Talk, place: int, timestamp: int, began: int) -> bytes:
    """The Lex V1 entry of that turn; `began` is the time of the conversation's first, in milliseconds."""
    step = talk.steps[place]
    session = f"{iso(began)}-{talk.request_ids[0][:8]}"
    return orjson.dumps(
        {
            "messageVersion": "1.0",
            "botName": talk.bot.name,
            "botAlias": talk.alias[1],
            "botVersion": talk.version,
            "inputTranscript": step.text,
            "botResponse": step.reply,
            "intent": None if step.missed else step.intent,
            "nluIntentConfidence": "0.93",
            "slots": {name: value or None for name, value in step.slots},
            "alternativeIntents": [{"name": "AMAZON.FallbackIntent", "slots": {}}],
            "developerOverride": "false",
            "missedUtterance": step.missed,
            "inputDialogMode": step.mode,
            "requestId": talk.request_ids[place],
            "userId": talk.session_id,
            "sessionId": session,
            "slotToElicit": step.elicit or None,
            "dialogState": step.state if step.action == "Close" else step.action,
            "locale": talk.locale,
            "timestamp": iso(timestamp),
            "requestAttributes": {"x-amz-lex:channel-type": talk.channel},
            "sessionAttributes": {},
        }
    )


def envelope(entries: Sequence[bytes], timestamp: int) -> bytes:
    """What a CloudWatch Logs subscription makes of `entries` for a Lambda function: one message for all."""
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


def broken(whole: bytes) -> list[bytes]:
    """Four inputs such as go astray into topics, no log entries; `whole` is an entry to cut in the middle."""
    return [
        b"START RequestId: 6c1f5ad2-2f0e-4d47-9d0b-2f1f6f8f7d11 Version: $LATEST",
        whole[: len(whole) // 2],
        orjson.dumps({**orjson.loads(whole), "timestamp": "yesterday"}),
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
    """Milliseconds since 1970 as Lex writes times."""
    seconds, milliseconds = divmod(timestamp, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def _session_state(talk: Talk, step: Step) -> JSON:
    action: JSON = {"type": step.action}
    if step.elicit:
        action["slotToElicit"] = step.elicit
    return {
        "originatingRequestId": talk.request_ids[0],
        "sessionAttributes": {"entrance": talk.channel or "web page"},
        "dialogAction": action,
        "intent": {**_intent(step), "confirmationState": step.confirmation, "state": step.state},
    }


def _interpretations(step: Step) -> list[JSON]:
    fallback: JSON = {"intent": {"name": FALLBACK, "slots": {}}}
    if step.missed:
        return [fallback]
    return [
        {
            "nluConfidence": "0.94",
            "interpretationSource": "Lex",
            "intent": {**_intent(step), "state": step.state},
        },
        fallback,
    ]


def _transcription(step: Step) -> JSON:
    return {
        "transcription": step.text,
        "transcriptionConfidence": 1.0,
        "resolvedContext": {"intent": step.intent},
    }


def _intent(step: Step) -> JSON:
    return {"name": step.intent, "slots": {name: _slot(value) for name, value in step.slots}}


def _slot(value: str) -> JSON | None:
    if not value:
        return None
    return {
        "shape": "Scalar",
        "value": {"originalValue": value, "interpretedValue": value, "resolvedValues": [value]},
    }
