"""Where texts, slots and attributes all are hidden, so is what no list names, whoever adds it and wherever."""

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import ENTRY, FREE, MARKS
from pipeline.ingest.redaction.fields import Fields
from pipeline.ingest.redaction.redactor import Redactor
from pipeline.ingest.redaction.values import MASK
from schemas.lex.log_entry import CHANNELS
from schemas.lex.session_v2 import ActiveContext, DialogAction, Intent, Interpretation, Message
from tests.pipeline.ingest.planted import envelope, folded, v1, v2

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
    """Each object in it, itself too."""
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
        kept = redaction.entry(raw)
        assert SECRET.encode() not in kept.replace(NAME, b"").replace(f"slots.{SECRET}".encode(), b"")
        assert folded(kept, 2 * len(raw)) == folded(raw, len(raw))
        assert redaction.entry(kept) == kept


@pytest.mark.parametrize("settings", HOW, ids=["mask", "drop"])
@pytest.mark.parametrize("shape", SHAPES, ids=repr)
def test_a_new_member_is_masked_in_a_dead_letter(shape: Any, settings: Settings) -> None:
    redaction = Redactor(settings)
    for letter in (
        {"vendor": shape}, [{"vendor": shape}], {"log": v2(vendor=shape)}, v2(bot=shape), v2(sessionState=shape),
        v1(activeContexts=shape, interpretations=shape), {MARKS: [SECRET, shape], "bytes": SECRET},
    ):  # fmt: skip
        assert SECRET.encode() not in redaction.letter(orjson.dumps(letter)).replace(NAME, b"")
    assert SECRET.encode() not in redaction.letter(envelope(orjson.dumps(v1(vendor=shape)), subscriptionFilters=shape))


def test_nothing_is_masked_unasked() -> None:
    for settings in (
        Settings(redact_transcripts="mask", redact_slots=("*",)),
        Settings(redact_slots=("*",), redact_attributes=("*",)),
        Settings(redact_transcripts="mask", redact_slots=("Pin",), redact_attributes=("*",)),
    ):
        assert SECRET.encode() in Redactor(settings).entry(orjson.dumps(v1(vendor={"x": SECRET})))


def test_it_is_told_without_the_name() -> None:
    found = orjson.loads(Redactor(HOW[0]).entry(orjson.dumps(v1(**{SECRET: SECRET}))))
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
def test_what_sessions_are_told_from_is_listed_or_hidden_by_its_name(
    kind: type[msgspec.Struct], at: tuple[str, ...]
) -> None:
    places: Any = ENTRY
    for name in at:
        places = places[name]
    acts = Fields(HOW[0]).acts
    hidden = {"content"}  # by what it is a member of
    for field in msgspec.structs.fields(kind):
        assert field.encode_name in {*places, *hidden} or acts[field.encode_name], field.encode_name
    assert ENTRY["activeContexts"]["parameters"] is FREE  # type: ignore[index] # an object
    assert {*CHANNELS} == {*ENTRY["requestAttributes"]}  # type: ignore[misc] # an object
