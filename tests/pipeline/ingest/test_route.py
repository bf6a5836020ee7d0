import gzip
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.route import Destination, Route, route
from pipeline.settings import Settings
from tests.events import raw

SETTINGS = Settings()
FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
DEAD = Route(Destination.RAW, None, 0, 1)


def envelope(*messages: bytes) -> bytes:
    return orjson.dumps(
        {
            "messageType": "DATA_MESSAGE",
            "logEvents": [{"id": "1", "timestamp": 1, "message": m.decode()} for m in messages],
        }
    )


def test_a_v2_entry_goes_to_its_session() -> None:
    assert route(raw(sessionId="séance"), SETTINGS) == Route(Destination.TURNS, "séance".encode(), 1, 0)


def test_a_v2_entry_that_speaks_of_v1_is_still_one() -> None:
    text = raw(inputTranscript='my "botName" is', sessionAttributes={"botName": "x"})
    assert route(text, SETTINGS).destination is Destination.TURNS


@pytest.mark.parametrize(("name", "entries", "dead"), [
    ("v1-log-elicit-slot", 1, 0),
    ("cloudwatch-envelope", 2, 0),
    ("cloudwatch-awslogs", 2, 0),
    ("cloudwatch-control-message", 0, 0),
    ("v1-code-hook", 0, 1),
    ("v2-code-hook-text", 0, 1),
    ("v2-recognize-text-answer", 0, 1),
])  # fmt: skip
def test_everything_else_goes_to_the_intake_without_a_key(name: str, entries: int, dead: int) -> None:
    text = (FIXTURES / f"{name}.json").read_bytes()
    assert route(text, SETTINGS) == Route(Destination.RAW, None, entries, dead)


def test_the_entries_of_an_envelope_are_counted_one_by_one() -> None:
    text = envelope(raw(), b"START RequestId", raw(requestId="r2"))
    assert route(text, SETTINGS) == Route(Destination.RAW, None, 2, 1)
    assert route(gzip.compress(text), SETTINGS) == Route(Destination.RAW, None, 2, 1)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 5000, b"\x1f\x8bbroken", b"H4sIbroken"])
def test_garbage_is_sent_on_to_become_a_dead_letter(text: bytes) -> None:
    assert route(text, SETTINGS) == DEAD


def test_an_entry_that_is_too_large_will_be_a_dead_letter() -> None:
    assert route(raw(inputTranscript="x" * SETTINGS.max_event_bytes), SETTINGS) == DEAD


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_input_is_refused(text: bytes) -> None:
    way = route(text, SETTINGS)
    assert way.entries + way.dead <= 1
    assert way.key is None
