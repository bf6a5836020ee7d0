"""Build valid and invalid inputs of every form with secrets in them, and read all places where those might end up."""

import base64
import gzip
import re
from collections.abc import Iterator
from typing import Any

import orjson
from kafka import KafkaConsumer

from tests.events import START, entry, iso
from tests.integration.component_stack import ComponentStack

CARD, EMAIL, PHONE = "4556 7375 8689 9855", "zelda.plant@example.com", "+44 20 7946 0018"
TALK, SLOT, ATTRIBUTE = "zebras cross at dawn", "zirconium seven", "zanzibar holder"
NEEDLES = re.compile(rb"4556\D{0,9}7375|7375\D{0,9}8689|zelda|7946\D{0,9}0018|zebras|zirconium|zanzibar", re.IGNORECASE)
"""The words of each secret; nothing else contains them."""

SETTINGS = {
    "TURNFOLD_REDACT_TRANSCRIPTS": "mask",
    "TURNFOLD_REDACT_SLOTS": "Material",
    "TURNFOLD_REDACT_OBFUSCATED": "true",
    "TURNFOLD_REDACT_ATTRIBUTES": "holder",
    "TURNFOLD_REDACT_PATTERNS": "card,email,phone",
}
"""Settings that redact all of them."""

PATTERNS = f"{CARD} {EMAIL} {PHONE}"
SPLIT = {
    "4556,7375,8689,9855": "4556/7375|8689\N{SOFT HYPHEN}9855",
    "zelda.plant @ example.com": "45567375868998551227123",
    "card": ["4556", "7375", "8689", "9855"],
    "part1": "+44 20",
    "part2": "7946\N{ZERO WIDTH SPACE}0018",
    "list": ["4556", 7375, ["\N{FULLWIDTH DIGIT EIGHT}689 9855"]],
}
"""Some of the same secrets, written, named and split in other ways."""


def v2(number: int, **changes: Any) -> bytes:
    """Return a Lex V2 entry of a separate conversation with every secret."""
    slots = {"Material": {"shape": "Scalar", "value": {"originalValue": SLOT, "interpretedValue": SLOT.title()}}}
    made = entry(
        timestamp=iso(START + 60_000 * number),
        requestId=f"request-{number}",
        sessionId=f"session-{number}",
        inputTranscript=f"{TALK}, {SLOT}, {PATTERNS}",
        messages=[{"contentType": "PlainText", "content": f"{TALK}? {ATTRIBUTE}? {PATTERNS}"}],
        interpretations=[{"nluConfidence": "0.9", "intent": {"name": "Other", "slots": {"Thing": slots["Material"]}}}],
        requestAttributes={"x-amz-lex:channels:platform": "Slack", "holder": ATTRIBUTE, "contact": PATTERNS},
        unknown=[{"note": f"{SLOT} {PATTERNS}", **SPLIT}],
        sessionState={
            "originatingRequestId": f"request-{number}",
            "sessionAttributes": {"holder": ATTRIBUTE, "state": orjson.dumps({"inputTranscript": TALK}).decode()},
            "activeContexts": [{"name": "Chosen", "contextAttributes": {"Material": SLOT}}],
            "intent": {"name": "BookHotel", "state": "InProgress", "slots": slots},
            "dialogAction": {"type": "ElicitSlot"},
        },
    )
    return orjson.dumps(made | changes)


def v1(number: int) -> bytes:
    """Return a Lex V1 entry of a separate conversation with every secret."""
    return orjson.dumps(
        {
            "messageVersion": "1.0",
            "botName": "Travel",
            "botAlias": "prod",
            "timestamp": iso(START + 60_000 * number),
            "userId": f"session-{number}",
            "sessionId": f"origin-{number}",
            "requestId": f"request-{number}",
            "inputTranscript": f"{TALK}, {SLOT}, {PATTERNS}",
            "botResponse": f"{TALK}? {PATTERNS}",
            "intent": "BookHotel",
            "slots": {"Material": SLOT},
            "sessionAttributes": {"holder": ATTRIBUTE, "contact": PATTERNS, EMAIL: CARD},
            "split": SPLIT,
            "recentIntentSummaryView": [{"intentName": "BookHotel", "slots": {"Material": SLOT}}],
            "dialogState": "ElicitSlot",
        }
    )


def envelope(*messages: bytes) -> bytes:
    """Return a CloudWatch Logs envelope of these entries."""
    events = [{"id": str(n), "timestamp": START, "message": m.decode()} for n, m in enumerate(messages)]
    return orjson.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": events})


def valid(first: int) -> dict[int, bytes]:
    """Return the inputs by the number of their entry, one for each form of input; some entries share an input."""
    one = range(first, first + 9)
    packed = base64.b64encode(gzip.compress(envelope(v2(one[5])))).decode()
    shared = envelope(v2(one[7]), v1(one[8]))
    return {
        one[0]: v2(one[0]),
        one[1]: v1(one[1]),
        one[2]: envelope(v2(one[2])),
        one[3]: gzip.compress(envelope(v2(one[3]))),
        one[4]: base64.b64encode(gzip.compress(envelope(v2(one[4])))),
        one[5]: orjson.dumps({"awslogs": {"data": packed}}),
        one[6]: gzip.compress(v2(one[6])),
        one[7]: shared,
        one[8]: shared,
    }


def broken() -> dict[bytes, str]:
    """Return invalid inputs with secrets, each of which is one dead letter, with its reason."""
    packed = base64.b64encode(gzip.compress(envelope(v2(0))))
    return {
        v2(0)[:-40]: "not-json",
        TALK.encode() + PATTERNS.encode(): "not-json",
        v2(0)[:-1] + b"\xff": "not-utf-8",
        orjson.dumps(TALK + PATTERNS): "wrong-shape",
        orjson.dumps([{"vendor": [orjson.loads(v2(0)), orjson.loads(v1(0))]}]): "wrong-shape",
        v2(0, bot={"id": "BOTAAAAAA1"}): "wrong-shape",
        orjson.dumps({"vendor": v2(0).decode(), "cut": v2(0)[:-40].decode(), "line": PATTERNS}): "wrong-shape",
        v2(0, timestamp=f"{TALK} {PATTERNS}"): "bad-timestamp",
        v2(0, messageVersion=f"{TALK} {PATTERNS}"): "unsupported-version",
        v2(0, invocationSource="DialogCodeHook"): "code-hook-event",
        v2(0, requestId=[{"inputTranscript": TALK}]): "wrong-shape",
        v2(0, inputTranscript=f"{TALK} {PATTERNS} " * 500): "too-large",
        orjson.dumps({"messageType": TALK + PATTERNS, "logEvents": []}): "bad-envelope",
        orjson.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"note": v2(0).decode(), "message": 5}]}):
            "bad-envelope",
        gzip.compress(v2(0))[:-9]: "bad-envelope",
        packed[:-3]: "bad-envelope",
        orjson.dumps({"awslogs": {"data": packed.decode()[:-3]}}): "bad-envelope",
    }  # fmt: skip


def misrouted() -> dict[bytes, str]:
    """Return inputs that are valid on the raw topic but not on the turns topic, with their reason."""
    packed = base64.b64encode(gzip.compress(envelope(v2(0))))
    return {
        envelope(v2(0), v2(0)[:-40], TALK.encode()): "wrong-shape",
        gzip.compress(envelope(v2(0))): "not-utf-8",
        packed: "not-json",
        orjson.dumps({"awslogs": {"data": packed.decode()}}): "wrong-shape",
    }


def assert_clean(what: str, content: bytes) -> None:
    """Assert that data contain no secret, and nothing compressed or encoded that could hold one."""
    found = NEEDLES.search(content)
    assert not found, (what, content[max(0, found.start() - 500) : found.end() + 500])
    assert b"\x1f\x8b" not in content, what
    assert b"H4sI" not in content, what


def messages(parts: ComponentStack, topic: str) -> list[bytes]:
    """Yield the key, headers and value of each message of a topic."""
    consumer = KafkaConsumer(
        topic, bootstrap_servers=list(parts.settings.kafka), auto_offset_reset="earliest", consumer_timeout_ms=3_000
    )
    found = [b"\n".join([m.key or b"", *(h.encode() + b" " + v for h, v in m.headers), m.value]) for m in consumer]
    consumer.close()
    return found


def tables(parts: ComponentStack, database: str) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the whole content of each table of a database that holds rows."""
    statement = f"SELECT name FROM system.tables WHERE database = '{database}' AND engine LIKE '%MergeTree'"  # noqa: S608 - a test's
    for row in parts.answers(statement):
        content = parts.ask(f"SELECT * FROM {database}.{row['name']} FORMAT JSONEachRow")  # noqa: S608 - as above
        yield f"{database}.{row['name']}", content
