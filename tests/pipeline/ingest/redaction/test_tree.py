"""JSON in texts and entries in envelopes are redacted too; if everything is hidden, so are unknown members."""

import base64
import gzip
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import BOT_DEFINED, ENTRY, MARKS
from pipeline.ingest.redaction.fields import Fields
from pipeline.ingest.redaction.masking import MASK
from pipeline.ingest.redaction.redactor import Redactor
from schemas.lex.log_entry import CHANNELS
from schemas.lex.session_v2 import ActiveContext, DialogAction, Intent, Interpretation, Message
from tests.events import raw
from tests.pipeline.ingest.redactable_entries import envelope, folded, kept, v1, v2

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


def test_compressed_content_is_always_masked() -> None:
    packed = base64.b64encode(gzip.compress(raw())).decode()
    found = kept(v1(sessionAttributes={"state": packed}), redact_patterns=("card",))
    assert (found["sessionAttributes"]["state"], found[MARKS]) == (MASK, ["packed"])


def test_entries_in_an_envelope_are_redacted_one_by_one() -> None:
    found = orjson.loads(FIELDS.redact_dead_letter(envelope(orjson.dumps(v2()), b"START", b'{"cut')))
    first, *others = (event["message"] for event in found["logEvents"])
    assert first.encode() == FIELDS.redact_entry(orjson.dumps(v2()))
    assert others == [MASK, MASK]
    assert found[MARKS] == ["unreadable"]
    assert found["logEvents"][0]["timestamp"] == 1_773_480_413_589


def test_an_envelope_with_nothing_to_redact_has_no_mark() -> None:
    data = envelope(raw(inputTranscript="", messages=[]))
    assert FIELDS.redact_dead_letter(data) == data


SECRET = "sierra planted"
NAME = f'"{SECRET}":'.encode()
"""Names stay where objects are known: of slots, for instance."""
ALL: dict[str, Any] = {"redact_slots": ("*",), "redact_attributes": ("*",)}
HOW = [Settings(redact_transcripts="mask", **ALL), Settings(redact_transcripts="drop", **ALL)]
SHAPES: list[Any] = [
    SECRET, [SECRET], [[SECRET]], {"text": SECRET}, {SECRET: 1}, [{SECRET: None}], f'{{"text":"{SECRET}"}}',
    {"slots": {"a": SECRET}}, {"message": {"text": SECRET}}, {"response": [{"new": SECRET}]},
]  # fmt: skip


def holders(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object in it, including itself."""
    if isinstance(value, dict):
        yield value
    for inside in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from holders(inside)


@pytest.mark.parametrize("settings", HOW, ids=["mask", "drop"])
@pytest.mark.parametrize("make", [v2, v1])
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_new_member_is_masked_in_any_object(make: Any, shape: Any, settings: Settings) -> None:
    redaction = Redactor(settings)
    for place in range(len([*holders(make())])):
        entry = make()
        [*holders(entry)][place]["newMember"] = shape
        raw = orjson.dumps(entry)
        kept = redaction.redact_entry(raw)
        assert SECRET.encode() not in kept.replace(NAME, b"").replace(f"slots.{SECRET}".encode(), b"")
        assert folded(kept, 2 * len(raw)) == folded(raw, len(raw))
        assert redaction.redact_entry(kept) == kept


@pytest.mark.parametrize("settings", HOW, ids=["mask", "drop"])
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_new_member_is_masked_in_a_dead_letter(shape: Any, settings: Settings) -> None:
    redaction = Redactor(settings)
    for letter in (
        {"vendor": shape}, [{"vendor": shape}], {"log": v2(vendor=shape)}, v2(bot=shape), v2(sessionState=shape),
        v1(activeContexts=shape, interpretations=shape), {MARKS: [SECRET, shape], "bytes": SECRET},
    ):  # fmt: skip
        assert SECRET.encode() not in redaction.redact_dead_letter(orjson.dumps(letter)).replace(NAME, b"")
    assert SECRET.encode() not in redaction.redact_dead_letter(
        envelope(orjson.dumps(v1(vendor=shape)), subscriptionFilters=shape)
    )


def test_nothing_is_masked_unasked() -> None:
    for settings in (
        Settings(redact_transcripts="mask", redact_slots=("*",)),
        Settings(redact_slots=("*",), redact_attributes=("*",)),
        Settings(redact_transcripts="mask", redact_slots=("Pin",), redact_attributes=("*",)),
    ):
        assert SECRET.encode() in Redactor(settings).redact_entry(orjson.dumps(v1(vendor={"x": SECRET})))


def test_an_unknown_member_is_marked_without_its_name() -> None:
    found = orjson.loads(Redactor(HOW[0]).redact_entry(orjson.dumps(v1(**{SECRET: SECRET}))))
    assert "unlisted" in found[MARKS]
    assert found[SECRET] == MASK


@pytest.mark.parametrize(
    ("kind", "at"),
    [
        (Intent, ("sessionState", "intent")),
        (DialogAction, ("sessionState", "dialogAction")),
        (ActiveContext, ("sessionState", "activeContexts")),
        (Interpretation, ("interpretations",)),
        (Message, ("messages",)),
    ],
)
def test_members_that_sessions_are_built_from_are_listed_or_hidden_by_name(
    kind: type[msgspec.Struct], at: tuple[str, ...]
) -> None:
    places: Any = ENTRY
    for name in at:
        places = places[name]
    acts = Fields(HOW[0]).actions
    hidden = {"content"}  # by what it is a member of
    for field in msgspec.structs.fields(kind):
        assert field.encode_name in {*places, *hidden} or acts[field.encode_name], field.encode_name
    assert ENTRY["activeContexts"]["parameters"] is BOT_DEFINED  # type: ignore[index] # an object
    assert {*CHANNELS} == {*ENTRY["requestAttributes"]}  # type: ignore[misc] # an object
