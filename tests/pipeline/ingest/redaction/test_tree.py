"""Attributes and custom payloads may hold JSON as text, and a log line a whole entry: both are gone through as well."""

import base64
import gzip
import json

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import MARKS
from pipeline.ingest.redaction.redactor import Redactor
from pipeline.ingest.redaction.values import MASK
from tests.events import raw
from tests.pipeline.ingest.planted import envelope, kept, v1, v2

FIELDS = Redactor(Settings(redact_transcripts="mask"))
PATTERNS = ("card", "email", "phone")


def test_they_are_redacted_as_what_they_say() -> None:
    text = json.dumps({"slots": {"Pin": "1234"}, "deep": json.dumps({"tel": "a\n4155550100"})}, indent=1)
    found = kept(v1(sessionAttributes={"state": text}), redact_slots=("Pin",), redact_patterns=PATTERNS)
    state = orjson.loads(found["sessionAttributes"]["state"])
    assert state["slots"] == {"Pin": MASK}
    assert orjson.loads(state["deep"]) == {"tel": "a\n[phone]"}
    assert {"slots.Pin", "pattern.phone"} == {*found[MARKS]}
    assert MARKS not in state


def test_values_are_looked_for_in_them_and_from_them() -> None:
    entry = v1(slots={"Pin": "1234"}, sessionAttributes={"state": '{"slots":{"City":"Paris"},"pin":"is 1234"}'},
               inputTranscript="Paris")  # fmt: skip
    found = kept(entry, redact_slots=("Pin", "City"))
    assert found["inputTranscript"] == MASK
    assert orjson.loads(found["sessionAttributes"]["state"]) == {"slots": {"City": MASK}, "pin": f"is {MASK}"}


@pytest.mark.parametrize("text", ['{ "a": 1.0 }', "[1, 2]", "{}", "[happy] hello", "{Pin}", ' {"a"', "[", "{", "\t"])
def test_with_nothing_to_redact_they_are_as_they_were(text: str) -> None:
    found = kept(v1(sessionAttributes={"state": text}), redact_patterns=PATTERNS)
    assert found["sessionAttributes"]["state"] == text


@pytest.mark.parametrize("text", ['{"slots":{"Pin":"1234"', '{"a":1,"a":2}', '{"half":"\\ud83d"}', "[{"])
def test_what_cannot_be_looked_through_is_masked_where_fields_are_hidden(text: str) -> None:
    entry = v1(sessionAttributes={"state": text})
    found = kept(entry, redact_slots=("X",))
    assert found["sessionAttributes"]["state"] == MASK
    assert found[MARKS] == ["unreadable"]
    assert kept(entry, redact_patterns=PATTERNS)["sessionAttributes"]["state"] == text


def test_what_is_packed_is_masked_always() -> None:
    packed = base64.b64encode(gzip.compress(raw())).decode()
    found = kept(v1(sessionAttributes={"state": packed}), redact_patterns=("card",))
    assert (found["sessionAttributes"]["state"], found[MARKS]) == (MASK, ["packed"])


def test_entries_in_an_envelope_are_redacted_one_by_one() -> None:
    found = orjson.loads(FIELDS.letter(envelope(orjson.dumps(v2()), b"START", b'{"cut')))
    first, *others = (event["message"] for event in found["logEvents"])
    assert first.encode() == FIELDS.entry(orjson.dumps(v2()))
    assert others == [MASK, MASK]
    assert found[MARKS] == ["unreadable"]
    assert found["logEvents"][0]["timestamp"] == 1_773_480_413_589


def test_an_envelope_with_nothing_to_redact_has_no_mark() -> None:
    data = envelope(raw(inputTranscript="", messages=[]))
    assert FIELDS.letter(data) == data
