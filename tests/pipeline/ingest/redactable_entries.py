"""Log entries in which each member that can hold a text holds one of its own."""

from typing import Any

import msgspec
import orjson

from pipeline.config.settings import Settings
from pipeline.ingest.decode import decode_entry
from pipeline.ingest.redaction.redactor import Redactor
from schemas.turn import Turn
from tests.events import START, entry, iso

SAID = {
    "inputTranscript": "alpha said",
    "rawInputTranscript": "bravo said",
    "transcription": "charlie said",
    "rawTranscription": "delta said",
    "content": "echo answered",
    "title": "foxtrot shown",
    "button": "golf pressed",
    "document": "hotel found",
    "response": "india answered",
    "search": "juliett found",
}
"""What users and bots said, by the member that holds it."""

SLOTS = {"City": "kilo town", "Pin": "lima figures", "Street": "mike lane", "Items": "november cheese"}
ATTRIBUTES = {
    "sessionAttributes": "oscar holder",
    "requestAttributes": "papa sender",
    "contextAttributes": "quebec bearer",
}
OTHER = "romeo unknown"


def scalar(text: str) -> dict[str, Any]:
    """Build a slot with one value."""
    value = {"originalValue": text, "interpretedValue": text.upper(), "resolvedValues": [f"the {text}"]}
    return {"shape": "Scalar", "value": value}


def slots() -> dict[str, Any]:
    """Build slots of every shape, one of them nested."""
    return {
        "City": scalar(SLOTS["City"]),
        "Pin": scalar(SLOTS["Pin"]),
        "Address": {"shape": "Composite", "subSlots": {"Street": scalar(SLOTS["Street"]), "Number": None}},
        "Items": {"shape": "List", "values": [scalar(SLOTS["Items"])]},
        "Empty": None,
    }


def v2(**changes: Any) -> dict[str, Any]:
    """Build a Lex V2 entry with all texts."""
    made = entry(
        inputTranscript=SAID["inputTranscript"],
        rawInputTranscript=SAID["rawInputTranscript"],
        transcriptions=[
            {
                "transcription": SAID["transcription"],
                "rawTranscription": SAID["rawTranscription"],
                "transcriptionConfidence": 0.870,
                "resolvedContext": {"intent": "BookHotel"},
                "resolvedSlots": slots(),
            }
        ],
        messages=[
            {"contentType": "PlainText", "content": SAID["content"]},
            {
                "contentType": "ImageResponseCard",
                "imageResponseCard": {
                    "title": SAID["title"],
                    "buttons": [{"text": SAID["button"], "value": SAID["button"]}],
                },
            },
        ],
        interpretations=[{"nluConfidence": "0.91", "intent": {"name": "BookHotel", "slots": slots()}}],
        requestAttributes={"x-amz-lex:channels:platform": "Slack", "caller": ATTRIBUTES["requestAttributes"]},
        utteranceContext={
            "activeRuntimeHints": {
                "slotHints": {"BookHotel": {"City": {"runtimeHintValues": [{"phrase": SLOTS["City"]}]}}}
            }
        },
        dialogEventLogs=[
            {
                "response": SAID["response"],
                "conditionalEvaluationResult": [{"evaluatedExpression": f"{SLOTS['Pin']} = x"}],
                "nextStep": {"intent": {"name": "BookHotel", "slots": slots()}},
            }
        ],
        somethingNew={"text": OTHER},
    )
    made["sessionState"] |= {
        "sessionAttributes": {
            "holder": ATTRIBUTES["sessionAttributes"],
            "x-amz-lex:qnA-search-response": SAID["search"],
        },
        "activeContexts": [
            {
                "name": "Booked",
                "timeToLive": {"timeToLiveInSeconds": 86400, "turnsToLive": 20},
                "contextAttributes": {"City": SLOTS["City"], "bearer": ATTRIBUTES["contextAttributes"]},
            }
        ],
    }
    made["sessionState"]["intent"] |= {"slots": slots(), "kendraResponse": {"items": [SAID["document"]]}}
    return made | changes


def v1(**changes: Any) -> dict[str, Any]:
    """Build a Lex V1 entry with all texts that it can hold."""
    plain = {"City": SLOTS["City"], "Pin": SLOTS["Pin"], "Empty": None}
    return {
        "messageVersion": "1.0",
        "botName": "Travel",
        "botAlias": "prod",
        "botVersion": "4",
        "timestamp": iso(START),
        "userId": "user-1",
        "sessionId": "origin-1",
        "requestId": "request-1",
        "inputTranscript": SAID["inputTranscript"],
        "botResponse": SAID["content"],
        "responseCard": {"genericAttachments": [{"title": SAID["title"], "buttons": [{"text": SAID["button"]}]}]},
        "intent": "BookHotel",
        "slots": plain,
        "slotDetails": {"City": {"resolutions": [{"value": SLOTS["City"]}], "originalValue": SLOTS["City"]}},
        "alternativeIntents": [{"name": "BookCar", "slots": plain}],
        "recentIntentSummaryView": [{"intentName": "BookHotel", "slots": plain}],
        "dialogState": "ElicitSlot",
        "kendraResponse": {"items": [SAID["document"]]},
        "sessionAttributes": {"holder": ATTRIBUTES["sessionAttributes"]},
        "requestAttributes": {"x-amz-lex:channel-type": "Slack", "caller": ATTRIBUTES["requestAttributes"]},
        "activeContexts": [
            {"name": "Booked", "parameters": {"City": SLOTS["City"], "bearer": ATTRIBUTES["contextAttributes"]}}
        ],
    } | changes


def folded(raw: bytes, max_bytes: int) -> Turn:
    """Decode an entry without what redaction changes: its utterance, and the digest of its bytes."""
    return msgspec.structs.replace(decode_entry(raw, max_bytes), content=0, utterance="")


def kept(entry: dict[str, Any], **settings: Any) -> dict[str, Any]:
    """Return the entry as redacted with these settings."""
    found: dict[str, Any] = orjson.loads(Redactor(Settings(**settings)).redact_entry(orjson.dumps(entry)))
    return found


def envelope(*messages: bytes, **more: Any) -> bytes:
    """Build a CloudWatch Logs envelope of these messages."""
    events = [{"id": "1", "timestamp": 1_773_480_413_589, "message": m.decode()} for m in messages]
    return orjson.dumps({"messageType": "DATA_MESSAGE", "logEvents": events} | more)
