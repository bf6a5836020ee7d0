"""Each setting hides what it names, anywhere in entries of both versions, and nothing else."""

from collections.abc import Collection, Iterable
from typing import Any, Literal

import msgspec
import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.redaction.allowlist import MARKS
from pipeline.ingest.redaction.fields import MemberNames
from pipeline.ingest.redaction.masking import MASK
from pipeline.ingest.redaction.patterns import Patterns
from pipeline.ingest.redaction.redactor import Redactor
from tests.pipeline.ingest.generated_entries import CARD, EMAIL, PHONE
from tests.pipeline.ingest.redactable_entries import ATTRIBUTES, OTHER, SAID, SLOTS, envelope, folded, kept, v1, v2

ALL = {**SAID, **SLOTS, **ATTRIBUTES, "other": OTHER}


def redacted(entry: dict[str, Any], **settings: Any) -> dict[str, Any]:
    raw = orjson.dumps(entry)
    turn, kept = EventDecoder.of(Settings(**settings)).decode(raw)
    assert msgspec.structs.replace(turn, content=0, utterance="") == folded(raw, len(raw))
    found: dict[str, Any] = orjson.loads(kept)
    return found


def left(entry: dict[str, Any]) -> set[str]:
    """Return the names of the planted texts in the entry, in any case."""
    text = orjson.dumps(entry).decode().lower()
    return {name for name, planted in ALL.items() if planted in text}


def hidden(names: Iterable[str], entry: dict[str, Any]) -> set[str]:
    """Return the names of the texts that remain if `names` are hidden."""
    return left(entry) - set(names)


@pytest.mark.parametrize("entry", [v2(), v1()], ids=["V2", "V1"])
@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"redact_transcripts": "mask"}, SAID),
        ({"redact_transcripts": "drop"}, SAID),
        ({"redact_slots": ("*",)}, [*SLOTS, "contextAttributes"]),  # which are slots that were copied
        ({"redact_slots": ("City",)}, ["City"]),
        ({"redact_slots": ("pin", "CITY")}, ["City", "Pin"]),
        ({"redact_slots": ("Street",)}, ["Street"]),
        ({"redact_slots": ("Address", "Items")}, ["Street", "Items"]),
        ({"redact_attributes": ("*",)}, [*ATTRIBUTES, "search", "City"]),
        ({"redact_attributes": ("holder", "Bearer")}, ["sessionAttributes", "contextAttributes"]),
        ({"redact_attributes": ("caller",)}, ["requestAttributes"]),
        ({"redact_transcripts": "drop", "redact_slots": ("*",), "redact_attributes": ("*",)}, ALL),
    ],
)
def test_what_is_named_is_gone_and_all_else_is_there(
    entry: dict[str, Any], settings: dict[str, Any], names: Collection[str]
) -> None:
    found = redacted(entry, **settings)
    assert left(found) == hidden(names, entry)
    assert bool(found.get(MARKS)) == (left(found) != left(entry))


def test_masks_stand_where_values_stood() -> None:
    found = redacted(v2(), redact_transcripts="mask", redact_slots=("City", "Items"), redact_attributes=("holder",))
    masked = {"originalValue": MASK, "interpretedValue": MASK, "resolvedValues": [MASK]}
    assert found["inputTranscript"] == MASK
    assert found["messages"][0] == {"contentType": "PlainText", "content": MASK}
    assert found["messages"][1]["imageResponseCard"]["buttons"] == [{"text": MASK, "value": MASK}]
    for slots in (found["sessionState"]["intent"]["slots"], found["transcriptions"][0]["resolvedSlots"]):
        assert slots["City"] == {"shape": "Scalar", "value": masked}
        assert slots["Items"] == {"shape": "List", "values": [{"shape": "Scalar", "value": masked}]}
        assert slots["Empty"] is None
    context = found["sessionState"]["activeContexts"][0]
    assert context["contextAttributes"] == {"City": MASK, "bearer": ATTRIBUTES["contextAttributes"]}
    assert context["timeToLive"] == {"timeToLiveInSeconds": 86400, "turnsToLive": 20}
    assert found["sessionState"]["sessionAttributes"]["holder"] == MASK
    assert found["requestAttributes"]["x-amz-lex:channels:platform"] == "Slack"
    assert {"inputTranscript", "messages.content", "slots.City", "slots.Items", "sessionAttributes.holder"} < {
        *found[MARKS]
    }


def test_dropped_texts_lose_their_members() -> None:
    found = redacted(v2(), redact_transcripts="drop")
    assert not {"inputTranscript", "rawInputTranscript"} & {*found}
    assert found["messages"] == [{"contentType": "PlainText"}, {"contentType": "ImageResponseCard"}]
    assert {*found["transcriptions"][0]} == {"transcriptionConfidence", "resolvedContext", "resolvedSlots"}


def test_a_value_is_masked_in_the_texts_too() -> None:
    said = "To KILO town, and then to Kilo Town Hall"
    entry = v2(inputTranscript=said, messages=[{"contentType": "PlainText", "content": "OK, kilo town!"}])
    found = redacted(entry, redact_slots=("City",))
    assert found["inputTranscript"] == f"To {MASK}, and then to {MASK} Hall"
    assert found["messages"][0]["content"] == f"OK, {MASK}!"


def test_a_value_is_masked_where_another_slot_has_it() -> None:
    entry = v1(alternativeIntents=[{"name": "BookCar", "slots": {"From": SLOTS["City"]}}])
    assert redacted(entry, redact_slots=("City",))["alternativeIntents"][0]["slots"] == {"From": MASK}


def test_all_transcripts_of_a_masked_value_are_masked() -> None:
    """The same words, spelled out or misheard, tell it as well."""
    heard = [{"transcription": "one two three four"}, {"transcription": "my pin is 1235"}]
    entry = v2(inputTranscript="my pin is 1234", rawInputTranscript="my pin is one two three four",
               transcriptions=heard, slots={"Pin": "1234"})  # fmt: skip
    found = redacted(entry, redact_slots=("Pin",))
    assert found["inputTranscript"] == f"my pin is {MASK}"
    assert found["rawInputTranscript"] == MASK
    assert [each["transcription"] for each in found["transcriptions"]] == [MASK, MASK]
    inside = redacted(entry | {"sessionAttributes": {"last": '{"inputTranscript":"one two"}'}}, redact_slots=("Pin",))
    assert orjson.loads(inside["sessionAttributes"]["last"]) == {"inputTranscript": MASK}
    untouched = redacted(v2(), redact_slots=("Pin",))
    assert untouched["rawInputTranscript"] == SAID["rawInputTranscript"]


def test_what_a_bot_expects_of_a_slot_is_masked_too() -> None:
    expected = {"runtimeHintValues": [{"phrase": "lima figures"}], "subSlotHints": {"Street": {"phrase": "mike lane"}}}
    entry = v1(slots=None, slotDetails=None, alternativeIntents=None, recentIntentSummaryView=None,
               runtimeHints={"slotHints": {"BookHotel": {"Pin": expected}}})  # fmt: skip
    assert left(entry) - left(redacted(entry, redact_slots=("Pin",))) == {"Pin", "Street"}
    assert left(entry) - left(redacted(entry, redact_slots=("Street",))) == {"Street"}


@pytest.mark.parametrize(
    ("settings", "evaluated"),
    [
        ({"redact_slots": ("Other",)}, MASK),
        ({"redact_attributes": ("other",)}, MASK),
        ({"redact_obfuscated": True}, "1999 = 2000"),
        ({"redact_transcripts": "mask"}, "1999 = 2000"),
    ],
)
def test_evaluated_expressions_are_masked_as_they_may_hold_any_value(settings: dict[str, Any], evaluated: str) -> None:
    entry = v1(dialogEventLogs=[{"conditionalEvaluationResult": [{"evaluatedExpression": "1999 = 2000"}]}])
    found = redacted(entry, **settings)
    assert found["dialogEventLogs"][0]["conditionalEvaluationResult"] == [{"evaluatedExpression": evaluated}]
    obfuscated = redacted(entry | {"inputTranscript": "{Pin}"}, redact_obfuscated=True)
    assert obfuscated["dialogEventLogs"][0]["conditionalEvaluationResult"] == [{"evaluatedExpression": MASK}]


def test_a_short_attribute_is_masked_only_where_it_stands() -> None:
    entry = v1(inputTranscript="yes, 1 and gold", sessionAttributes={"flag": "yes", "tier": "gold"})
    found = redacted(entry, redact_attributes=("flag", "tier"))
    assert found["sessionAttributes"] == {"flag": MASK, "tier": MASK}
    assert found["inputTranscript"] == f"yes, 1 and {MASK}"


class TestObfuscated:
    """Lex writes {Name} for the value of a slot that it obfuscates, and leaves others of its name alone."""

    entry = v2(inputTranscript="my pin is {Pin}", slots=None)

    def test_such_a_slot_is_masked_wherever_it_stands(self) -> None:
        found = redacted(self.entry, redact_obfuscated=True)
        assert left(found) == hidden(["Pin", "inputTranscript"], v2())
        assert found["inputTranscript"] == "my pin is {Pin}"

    def test_what_lex_wrote_stays(self) -> None:
        entry = v1(slots={"Pin": "{Pin}", "City": "{Pin}"})
        assert redacted(entry, redact_obfuscated=True, redact_slots=("*",))["slots"] == {"Pin": "{Pin}", "City": MASK}

    def test_other_slots_are_left(self) -> None:
        found = redacted(v2(), redact_obfuscated=True)
        assert left(found) == {*ALL}
        assert MARKS not in found

    def test_obfuscated_slots_are_kept_unless_the_setting_is_on(self) -> None:
        found = redacted(self.entry, redact_slots=("City",))
        assert "Pin" in left(found)


@pytest.mark.parametrize(
    "shape",
    [
        {"inputTranscript": ["lima figures"]},
        {"inputTranscript": {"any": ["lima figures"]}},
        {"messages": ["lima figures"]},
        {"messages": {"content": {"any": "lima figures"}}},
        {"messages": "lima figures"},
        {"message": "lima figures"},
        {"transcriptions": ["lima figures", {"transcription": "lima figures"}]},
        {"InputTranscript": "lima figures"},
    ],
)
def test_texts_of_unexpected_shape_are_hidden(shape: dict[str, Any]) -> None:
    for how in ("mask", "drop"):
        assert "Pin" not in left(redacted(v1(slots=None, slotDetails=None, alternativeIntents=None,
                                             recentIntentSummaryView=None, **{"inputTranscript": ""} | shape),
                                          redact_transcripts=how))  # fmt: skip


@pytest.mark.parametrize(
    "shape",
    [
        {"slots": "lima figures"},
        {"slots": ["lima figures"]},
        {"slots": '{"Pin":"lima figures"}'},
        {"slots": '{"Pin":"lima fig'},
        {"slots": {"Pin": ["lima figures"]}},
        {"slots": {"Pin": '{"any":"lima figures"}'}},
        {"slots": {"Pin": {"shape": "lima figures"}}},
        {"Slots": {"Pin": "lima figures"}},
        {"sessionAttributes": "lima figures"},
        {"sessionAttributes": '{"holder":"lima figures"}'},
        {"requestAttributes": '{"holder":"lima figures"}'},
        {"activeContexts": [{"parameters": "lima figures"}]},
    ],
)
def test_slots_and_attributes_of_unexpected_shape_are_masked(shape: dict[str, Any]) -> None:
    entry = v1(slots=None, slotDetails=None, alternativeIntents=None, recentIntentSummaryView=None) | shape
    assert b"lima fig" in orjson.dumps(entry)
    assert b"lima fig" not in orjson.dumps(redacted(entry, redact_slots=("Pin",), redact_attributes=("holder",)))


def test_numbers_and_switches_are_values_too() -> None:
    entry = v1(slots={"Pin": 1234, "City": True}, inputTranscript="it is 1234")
    found = redacted(entry, redact_slots=("*",))
    assert (found["slots"], found["inputTranscript"]) == ({"Pin": MASK, "City": MASK}, f"it is {MASK}")


PATTERNS: tuple[Literal["card", "email", "phone"], ...] = ("card", "email", "phone")
REDACTION = Redactor(Settings(redact_patterns=PATTERNS))


@pytest.mark.parametrize("secret", [CARD, EMAIL, PHONE, "a @ b.com", "4111,1111,1111,1111"])
def test_names_are_masked_wherever_they_stand(secret: str) -> None:
    deep = {"a": [{secret: {secret: 1}}], "text": orjson.dumps({secret: {"x": secret}}).decode()}
    for entry in (v2(), v1()):
        state = entry.setdefault("sessionState", {})
        state["sessionAttributes"] = {secret: "x"}
        entry |= {secret: deep, "requestAttributes": {secret: None}}
        entry["slots"] = {secret: secret}
        raw = orjson.dumps(entry)
        found = REDACTION.redact_entry(raw)
        assert secret.encode() not in found
        assert secret.replace(" ", "").encode() not in found
        assert folded(found, 2 * len(raw)) == folded(raw, len(raw))
        assert REDACTION.redact_entry(found) == found
    letter = REDACTION.redact_dead_letter(orjson.dumps({secret: [{secret: 1}]}))
    assert secret.encode() not in letter
    assert secret.encode() not in REDACTION.redact_dead_letter(envelope(orjson.dumps(v1(x={secret: 1}))))


def test_no_member_is_lost_to_another_of_its_name() -> None:
    members = {"a@b.com": 1, "[email]": 2, "x": 3, "c@d.com": 4, "e@f.com to g@h.com": 5}
    marks: set[str] = set()
    MemberNames(Patterns(PATTERNS, "US")).mask(members, marks)
    assert list(members.items()) == [
        ("[email] 2", 1), ("[email]", 2), ("x", 3), ("[email] 3", 4), ("[email] to [email]", 5),
    ]  # fmt: skip
    assert marks == {"pattern.email"}


def test_a_masked_name_is_marked() -> None:
    assert kept(v1(x={EMAIL: 1}), redact_patterns=("email",))[MARKS] == ["pattern.email"]
    assert MARKS not in kept(v1(x={EMAIL: 1}), redact_patterns=("card",))
