"""Envelopes in every wrapping give their entries; broken ones a reason; bombs stay small."""

import base64
import gzip
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InvalidEventError, Reason
from pipeline.ingest.envelope import unpack
from tests.events import raw

FIXTURES = Path(__file__).parents[2] / "fixtures"
LIMIT = 65_536


def envelope(*messages: str, kind: str = "DATA_MESSAGE") -> bytes:
    events = [{"id": str(n), "timestamp": n, "message": message} for n, message in enumerate(messages)]
    return orjson.dumps({"messageType": kind, "logGroup": "g", "logEvents": events})


def reason(data: bytes) -> Reason:
    with pytest.raises(InvalidEventError) as caught:
        unpack(data, LIMIT)
    return caught.value.reason


@pytest.mark.parametrize("fixture", ["cloudwatch-envelope.json", "cloudwatch-awslogs.json"])
def test_a_subscription_envelope_gives_its_entries(fixture: str) -> None:
    sessions = [orjson.loads(found)["sessionId"] for found in unpack((FIXTURES / fixture).read_bytes(), LIMIT)]
    assert sessions == ["visitor-3141", "caller-2718"]


@given(st.lists(st.text(), max_size=4))
def test_every_wrapping_carries_the_same_entries(messages: list[str]) -> None:
    plain = envelope(*messages)
    packed = gzip.compress(plain)
    for wrapped in (
        plain,
        packed,
        base64.b64encode(packed),
        orjson.dumps({"awslogs": {"data": base64.b64encode(packed).decode()}}),
    ):
        assert unpack(wrapped, LIMIT) == [message.encode() for message in messages]


def test_a_control_message_carries_nothing() -> None:
    assert unpack((FIXTURES / "cloudwatch-control-message.json").read_bytes(), LIMIT) == []
    assert unpack(gzip.compress(envelope("check", kind="CONTROL_MESSAGE")), LIMIT) == []


def test_a_bare_entry_is_itself_even_where_it_speaks_of_envelopes() -> None:
    for entry in (raw(), raw(inputTranscript='what is "awslogs"?'), b"", b"{", b'{"logEvents"'):
        assert unpack(entry, LIMIT) == [entry]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (gzip.compress(raw(), mtime=0)[:-12], Reason.BAD_ENVELOPE),
        (b"\x1f\x8bnonsense", Reason.BAD_ENVELOPE),
        (b"H4sInot base64!", Reason.BAD_ENVELOPE),
        (envelope("x", kind="NEWS"), Reason.BAD_ENVELOPE),
        (b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":5}]}', Reason.BAD_ENVELOPE),
        (b'{"awslogs":{"data":"%%%"}}', Reason.BAD_ENVELOPE),
        (b"x" * (LIMIT + 1), Reason.TOO_LARGE),
        (gzip.compress(b"\0" * (65 * LIMIT), mtime=0), Reason.TOO_LARGE),
    ],
)
def test_a_broken_envelope_has_its_reason(data: bytes, expected: Reason) -> None:
    assert reason(data) is expected
