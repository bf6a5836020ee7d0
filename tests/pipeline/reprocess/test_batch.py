"""Entries of every form and other inputs are counted as workers would count them."""

import base64
import gzip
from typing import NamedTuple

import msgspec
import orjson
import pytest

from pipeline.ingest.decode import decode_entry
from pipeline.ingest.decoder import EventDecoder
from pipeline.reprocess.batch import MAX_PROBLEMS, InputBatch, decode
from tests.events import raw

READING = EventDecoder(1_000_000, 100_000)


class Raw(NamedTuple):
    """An input of any source."""

    data: bytes
    origin: str
    problem: str = ""
    place: None = None


def batch(*raws: Raw) -> InputBatch:
    return InputBatch(raws, (1,), 1, len(raws))


def envelope(*messages: bytes) -> bytes:
    events = [{"id": "1", "timestamp": 1, "message": message.decode()} for message in messages]
    return orjson.dumps({"messageType": "DATA_MESSAGE", "logGroup": "g", "logEvents": events})


@pytest.mark.parametrize("bot", [None, "BOTAAAAAA1", "BOTAAAAAA2"])
def test_turns_and_payloads_belong_together_and_only_those_of_the_bot_are_kept(bot: str | None) -> None:
    one, two, three = raw(requestId="r1"), raw(requestId="r2", bot={**_bot(), "id": "BOTAAAAAA2"}), raw(requestId="r3")
    packed = base64.b64encode(gzip.compress(envelope(two, b"{}", three)))
    found = decode(batch(Raw(one, "a"), Raw(packed, "b")), READING, bot)
    wanted = [entry for entry in (one, two, three) if bot is None or decode_entry(entry, 10**6).bot_id == bot]
    assert found.payloads == wanted
    assert found.turns == [decode_entry(entry, 10**6) for entry in wanted]
    assert (found.valid, found.dead, found.failed) == (3, 1, 0)  # whosever they are: that is what was read
    assert found.bytes == len(one) + len(packed)
    assert [row.payload for row in found.archived(range(len(wanted)))] == wanted


def _bot() -> dict[str, object]:
    bot: dict[str, object] = orjson.loads(raw())["bot"]
    return bot


def test_an_unreadable_input_is_reported_by_its_origin_and_the_others_are_decoded() -> None:
    found = decode(batch(Raw(b"", "f:1", "too long"), Raw(b"{", "f:2"), Raw(raw(), "f:3")), READING, None)
    assert (found.valid, found.dead, found.failed) == (1, 1, 1)
    assert found.problems[0] == "f:1: too long"
    assert found.problems[1].startswith("f:2: not-json")


def test_an_entry_larger_than_allowed_is_dead() -> None:
    found = decode(batch(Raw(raw(inputTranscript="x" * 200_000), "f:1")), READING, None)
    assert (found.valid, found.dead) == (0, 1)
    assert "too-large" in found.problems[0]


def test_problems_are_bounded_and_all_are_counted() -> None:
    found = decode(batch(*[Raw(b"x", f"f:{n}") for n in range(MAX_PROBLEMS + 30)]), READING, None)
    assert (found.dead, len(found.problems)) == (MAX_PROBLEMS + 30, MAX_PROBLEMS)
    assert decode(batch(), READING, None).problems == []  # those of another batch are not in it


def test_payloads_are_kept_unchanged() -> None:
    event = raw(inputTranscript="é\u2028\U0001f600")
    found = decode(batch(Raw(event, "a")), READING, None)
    assert msgspec.structs.astuple(found.archived([0])[0])[-1] == event
