"""One worker meets all messages that are made to stop it, or come wrapped or cut, and folds what is good in them."""

import base64
import gzip
import zlib
from collections import Counter
from functools import cache

import orjson

from pipeline.kafka.dead_letters.reader import read_dead_letters
from pipeline.kafka.producer.produce import Producer
from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.events import raw
from tests.integration.component_stack import ComponentStack

PAYLOADS = "SELECT session_id, request_id, hex(payload) AS payload FROM turnfold.turns FINAL"
ROWS = "SELECT session_id, turns FROM turnfold.conversations FINAL"
WINDOW = {"TURNFOLD_DEAD_LETTER_WINDOW": "40"}


def awslogs(data: bytes) -> bytes:
    return orjson.dumps({"awslogs": {"data": base64.b64encode(data).decode()}})


def nested(depth: int) -> bytes:
    data = b"{}"
    for _ in range(depth):
        data = awslogs(gzip.compress(data, 9))
    return data


def padded(layers: int) -> bytes:
    """Each layer unpacks to 30 MB, all of them to more than a message may."""
    data = b"x"
    for _ in range(layers):
        text = b'{"awslogs":{"data":"%s"},"p":"%s"}' % (base64.b64encode(data), b" " * 30_000_000)
        data = zlib.compress(text, 9, wbits=31)
    return data


def empty(count: int) -> bytes:
    messages = b",".join([b'{"message":""}'] * count)
    return gzip.compress(b'{"messageType":"DATA_MESSAGE","logEvents":[' + messages + b"]}", 1)


@cache
def hostile() -> dict[str, tuple[bytes, str]]:
    """Each hostile message with the reason of its dead letter; packing them takes seconds, so not while importing."""
    return {
        "nested": (nested(505), "too-deep"),
        "padded": (padded(3), "too-large"),
        "empty": (empty(1_000_000), "too-large"),
        "lists": (gzip.compress(b"[" * 1_000_000), "too-deep"),
        "objects": (b'{"a":' * 100_000, "too-deep"),
        "deep in an entry": (raw()[:-1] + b',"new":' + b"[" * 300 + b"]" * 300 + b"}", "too-deep"),
        "a long name": (raw(sessionId="s" * 513), "wrong-shape"),
        "a long intent": (raw().replace(b"BookHotel", b"x" * 5_000), "wrong-shape"),
        "members": (b"{" + b'"a":1,' * 400_000 + b'"a":1}', "too-large"),
    }


def expected_letters() -> Counter[str]:
    """One for each message, wherever it was sent; and what is no entry among WRAPPED."""
    reasons = [*hostile().values(), *(hostile()[name] for name in TO_TURNS)]
    found = Counter(reason for _, reason in reasons) + Counter({"not-json": 1, "wrong-shape": 1})
    found["too-deep"] -= 1  # gzip on the topic of entries is no text
    found["not-utf-8"] += 1
    return found


def entry(number: int, **changes: str) -> bytes:
    return raw(requestId=f"request-{number}", sessionId=f"session-{number}", **changes)


HALF = entry(1, inputTranscript="thanks ?").replace(b"?", b"\\ud83d")
CUT = entry(2, inputTranscript="thanks ?").replace(b"?", b"\xf0\x9f\x98")
IN_IDS = entry(3).replace(b"session-3", b"s\\u0000\\u001b\\udc00-3")
LONGEST = entry(4).replace(b"session-4", b"s" * 512)
PLAIN = [entry(number) for number in range(5, 16)]
BARE = [HALF, CUT, IN_IDS, LONGEST, PLAIN[0]]
WRAPPED = [
    b"\xef\xbb\xbf" + PLAIN[1],
    orjson.dumps({"message": PLAIN[2].decode()}),
    orjson.dumps({"events": [{"message": "START"}, {"message": PLAIN[3].decode()}]}),
    orjson.dumps({"Records": [{"kinesis": {"data": base64.b64encode(PLAIN[4]).decode()}}]}),
    orjson.dumps(PLAIN[5].decode()),
    b"[" + PLAIN[6] + b"," + PLAIN[7] + b",{}]",
    gzip.compress(PLAIN[8]) + b"\n" + gzip.compress(PLAIN[9]),
    awslogs(gzip.compress(orjson.dumps({"logEvents": [{"message": PLAIN[10].decode()}]}))),
]
TO_TURNS = ("objects", "deep in an entry", "a long name", "a long intent", "members", "lists")


@IN_SEARCH
@ON_EMBEDDED
def test_a_worker_outlives_every_message_and_folds_what_is_good(parts: ComponentStack) -> None:
    worker = parts.start_faust(**WINDOW)
    with Producer(parts.settings, on_failure=print) as producer:
        for value, _ in hostile().values():
            producer.send(parts.settings.topic_raw, None, value)
        for name in TO_TURNS:
            producer.send(parts.settings.topic_turns, b"session", hostile()[name][0])
        for value in BARE[:4]:
            producer.send(parts.settings.topic_turns, b"session", value)
        for value in [*BARE, *WRAPPED]:
            producer.send(parts.settings.topic_raw, None, value)
        producer.flush()
    parts.wait_until_folded()
    assert worker.poll() is None, parts.log[-3000:]
    good = [*BARE, *PLAIN[1:]]
    assert sorted(bytes.fromhex(row["payload"]) for row in parts.answers(PAYLOADS)) == sorted(good)
    rows = {row["session_id"]: row["turns"] for row in parts.answers(ROWS)}
    named = {f"session-{number}" for number in (1, 2, *range(5, 16))}
    assert rows == dict.fromkeys(named | {"s\0\x1b\ufffd-3", "s" * 512}, 1)
    letters = Counter(letter.reason for letter in read_dead_letters(parts.settings))
    assert letters == expected_letters()
    parts.run("audit", "--pause=0.5")
