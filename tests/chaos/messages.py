"""Wrap log entries in messages of many kinds, and create messages that must not affect the tables."""

import base64
import gzip
import random
import zlib
from typing import NamedTuple

import orjson

from pipeline.config.settings import Settings
from tests.integration.traffic import BROKEN, conversation

GHOSTS = 10_000_000
"""Numbers of conversations from here on are sent only in transactions that are aborted."""
MEBIBYTE = 1024 * 1024


class Message(NamedTuple):
    """A message to send. One that is `dead` has to become at least one dead letter."""

    topic: str
    key: bytes | None
    value: bytes
    dead: bool = False


def dress(settings: Settings, chance: random.Random, line: bytes) -> Message:
    """Choose a topic, a key that may be wrong or absent, and perhaps an envelope."""
    if line in BROKEN:
        topic = chance.choice((settings.topic_raw, settings.topic_turns))
        return Message(topic, chance.choice((None, b"broken")), line, dead=True)
    session = orjson.loads(line)["sessionId"].encode()
    if chance.random() < 0.4:
        return Message(settings.topic_raw, chance.choice((None, session)), _wrapped(chance, line))
    key = chance.choice((session, session, session, None, b"another", b"%d" % chance.randrange(1000)))
    return Message(settings.topic_turns, key, line)


def ghosts(settings: Settings, chance: random.Random, lines: list[bytes], number: int) -> list[Message]:
    """Create messages to abort: conversations that do not exist, and turns that conversations do not have."""
    unreal = [orjson.dumps(one) for one in conversation(chance, GHOSTS + number)]
    for line in chance.sample(lines, min(5, len(lines))):
        if line not in BROKEN:
            unreal.append(orjson.dumps(orjson.loads(line) | {"requestId": f"ghost-{number}-{len(unreal)}"}))
    return [dress(settings, chance, line) for line in unreal]


def hostile(settings: Settings, chance: random.Random) -> Message:
    """Create one message that is expensive to process."""
    kinds = (
        _nested(2000),
        b"[" * 100_000,
        _padded(2, 32),
        gzip.compress(b" " * 8 * MEBIBYTE),
        b" " * 8 * MEBIBYTE,  # compression makes it small
        gzip.compress(b"{}")[:-6],
        _awslogs(chance.randbytes(200)),
        chance.randbytes(1000),
        b'{"sessionId":"' + b"\\u0000" * 20_000,
    )
    return Message(chance.choice((settings.topic_raw, settings.topic_turns)), None, chance.choice(kinds), dead=True)


def empty(settings: Settings) -> Message:
    """Create one message with a flood of empty entries."""
    events = b",".join([b'{"message":""}'] * 30_000)
    return Message(settings.topic_raw, None, gzip.compress(b'{"messageType":"DATA_MESSAGE","logEvents":[%s]}' % events))


def _wrapped(chance: random.Random, line: bytes) -> bytes:
    if chance.random() < 0.7:
        return line
    inside = orjson.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": line.decode()}]})
    return chance.choice((inside, gzip.compress(inside), _awslogs(gzip.compress(inside))))


def _awslogs(data: bytes) -> bytes:
    return orjson.dumps({"awslogs": {"data": base64.b64encode(data).decode()}})


def _nested(depth: int) -> bytes:
    data = b"{}"
    for _ in range(depth):
        data = _awslogs(zlib.compress(data, 9, zlib.MAX_WBITS | 16))
        if len(data) > MEBIBYTE:
            break
    return data


def _padded(layers: int, mebibytes: int) -> bytes:
    data = b"x"
    for _ in range(layers):
        padding = b" " * (mebibytes * MEBIBYTE)
        data = gzip.compress(b'{"awslogs":{"data":"%s"},"padding":"%s"}' % (base64.b64encode(data), padding))
    return data
