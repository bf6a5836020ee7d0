import json
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from pipeline.query.get_session.event import read_event
from pipeline.query.get_session.response_v1 import session_v1
from pipeline.query.get_session.response_v2 import session_v2
from schemas.lex.session_v2 import ConfidenceScore, DialogAction, Intent, Interpretation, Message
from tests.effort import examples
from tests.events import turn
from tests.paths import FIXTURES
from tests.pipeline.query.session_entries import NOW, Entry, as_json, event, scalar, v1, v2


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def test_an_entry_of_v2() -> None:
    found = event(fixture("v2-log-missed-fallback.json"))
    assert found.intent == Intent("FallbackIntent", {}, "ReadyForFulfillment", "None")
    assert found.dialog_action == DialogAction("Close")
    assert found.messages == ()
    assert found.session_attributes == {"Basket": "", "Tier": "gold"}
    assert found.interpretations == (
        Interpretation(Intent("FallbackIntent", {}, "ReadyForFulfillment", "None")),
        Interpretation(Intent("OrderSeeds", {}), ConfidenceScore(0.41)),
    )
    assert found.input_transcript == "quux"


def test_an_entry_of_v1_says_the_same_in_v1s_words() -> None:
    found = event(fixture("v1-log-elicit-slot.json"))
    action = session_v1([found], None, NOW).dialog_action
    assert (action.intent_name, action.slots) == ("DescribeIllness", {"Plant": "roses", "Since": None})
    assert (action.type, action.slot_to_elicit) == ("ElicitSlot", "Since")
    assert found.messages == (Message("PlainText", "Since when?"),)
    assert [each.intent.name for each in found.interpretations] == ["DescribeIllness", "AMAZON.FallbackIntent"]
    assert [each.nlu_confidence for each in found.interpretations] == [ConfidenceScore(0.88), UNSET]


@pytest.mark.parametrize(
    ("confidence", "read"),
    [
        ("0.63", 0.63), (0.63, 0.63), (1, 1.0), ({"score": 0.5}, 0.5), ({"score": "0.5"}, 0.5), ("much", None),
        (None, None), ({}, None), ([], None), (True, None), ({"score": None}, None), ("NaN", None), ("inf", None),
    ],
)  # fmt: skip
def test_confidence_is_an_object_with_a_number_or_is_left_out(confidence: object, read: float | None) -> None:
    entry = v2(interpretations=[{"nluConfidence": confidence, "intent": {"name": "BookHotel"}}])
    (found,) = event(entry).interpretations
    assert found.nlu_confidence == (UNSET if read is None else ConfidenceScore(read))


@pytest.mark.parametrize(
    ("slot", "read"), [("None", None), ("Lisbon", None), (7, None), ([], None), ({}, {}), (scalar("x"), scalar("x"))]
)
def test_a_null_slot_is_not_filled(slot: object, read: Entry | None) -> None:
    intent = event(v2(intent_={"slots": {"City": slot}})).intent
    assert as_json(intent)["slots"] == {"City": read}


def test_wrong_members_are_left_out_and_right_ones_stay() -> None:
    entry = v2(
        messages=[{"contentType": "PlainText", "content": "a"}, {"contentType": "Telex"}, "b", {"contentType": "SSML"}],
        interpretations="none",
        inputTranscript=["x"],
        state={
            "sessionAttributes": {"tier": "gold", "count": 3, "none": None},
            "activeContexts": [{"name": ""}, {"name": "a", "timeToLive": "long", "contextAttributes": [1]}, 7],
            "runtimeHints": {"slotHints": {"BookHotel": {"City": {"runtimeHintValues": [{"phrase": "Lisbon"}, {}]}}}},
        },
    )
    found = event(entry)
    assert [message.content_type for message in found.messages] == ["PlainText", "SSML"]
    assert (found.interpretations, found.input_transcript) == ((), "")
    assert found.session_attributes == {"tier": "gold"}
    assert [context.name for context in found.active_contexts] == ["a"]
    assert as_json(found.runtime_hints) == {
        "slotHints": {"BookHotel": {"City": {"runtimeHintValues": [{"phrase": "Lisbon"}]}}}
    }


def test_sentiment_and_contexts_of_v1_are_converted() -> None:
    found = event(
        v1(
            nluIntentConfidence=0.9,
            sentimentResponse={"sentimentLabel": "MIXED", "sentimentScore": "{Positive: 0.39,Negative: 1.1E-2}"},
            activeContexts=[{"name": "booking", "timeToLive": {"turnsToLive": 5}, "parameters": {"city": "Lisbon"}}],
        )
    )
    assert as_json(found.interpretations[0].sentiment_response) == {
        "sentiment": "MIXED",
        "sentimentScore": {"positive": 0.39, "negative": 0.011},
    }
    assert found.active_contexts[0].context_attributes == {"city": "Lisbon"}


def test_labels_are_of_the_intent_or_of_v1s_own_summaries() -> None:
    assert event(v2(intent_={"checkpointLabel": "Paid"})).labels == {"BookHotel": "Paid"}
    assert event(v2(intent_={"checkpointLabel": 7})).labels == {}
    view = [
        {"intentName": "BookHotel", "checkpointLabel": "New"},
        {"intentName": "BookHotel", "checkpointLabel": "Old"},
        {"intentName": "BookCar", "checkpointLabel": None},
        {"checkpointLabel": "Nobody"},
        "x",
    ]
    assert event(v1(recentIntentSummaryView=view)).labels == {"BookHotel": "New"}
    assert event(v1(recentIntentSummaryView=3)).labels == {}


@pytest.mark.parametrize("payload", ["", "[]", "{", '{"bot": 3}', '{"a":' * 5000, '{"sessionState": [1], "bot": null}'])
def test_what_cannot_be_read_leaves_the_columns(payload: str) -> None:
    found = read_event(turn(intent_state="Fulfilled", dialog_action="Close"), payload)
    assert found.intent == Intent("BookHotel", {}, "Fulfilled")
    assert found.dialog_action == DialogAction("Close")
    assert (found.messages, found.session_attributes) == ((), {})


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def members_of(entry: Entry, *path: str) -> list[tuple[str, ...]]:
    inner = [members_of(value, *path, name) for name, value in entry.items() if isinstance(value, dict)]
    return [(*path, name) for name in entry] + [each for some in inner for each in some]


FULL_V2 = v2(
    intent_={"checkpointLabel": "Paid", "slots": {"City": scalar("Lisbon")}},
    state={
        "activeContexts": [{"name": "a", "timeToLive": {"timeToLiveInSeconds": 600, "turnsToLive": 5}}],
        "runtimeHints": {"slotHints": {}},
    },
    interpretations=[{"nluConfidence": "0.6", "intent": {"name": "BookHotel"}, "sentimentResponse": {}}],
)
FULL_V1 = v1(
    activeContexts=[], recentIntentSummaryView=[], alternativeIntents=[], sentimentResponse={}, nluIntentConfidence="1"
)


@pytest.mark.parametrize("entry", [FULL_V2, FULL_V1], ids=["v2", "v1"])
@given(st.data())
@settings(max_examples=examples(400), deadline=None)
def test_no_member_of_any_type_is_ever_a_fault(entry: Entry, data: st.DataObject) -> None:
    """The turn is as it was decoded; the payload says something else in one or two places."""
    changed: Any = json.loads(json.dumps(entry))
    for _ in range(data.draw(st.integers(1, 2))):
        *inside, name = data.draw(st.sampled_from(members_of(changed)))
        place = changed
        for step in inside:
            place = place[step]
        place[name] = data.draw(anything)
    found = read_event(event(entry).turn, json.dumps(changed))
    for answer in (session_v1([found], None, NOW), session_v1([found], "Paid", NOW), session_v2(found, NOW)):
        assert msgspec.json.decode(orjson.dumps(msgspec.to_builtins(answer)), type=type(answer)) == answer
