"""Lex V2's response repeats the last event; contexts age with the clock."""

import pytest
from msgspec import UNSET

from pipeline.query.get_session.response_v2 import session_v2, still_active
from schemas.lex.session_v2 import ActiveContext, TimeToLive
from tests.pipeline.query.session_entries import NOW, Entry, as_json, event, scalar, v1, v2


def left(life: TimeToLive, passed: int) -> list[TimeToLive]:
    return [context.time_to_live for context in still_active([ActiveContext("booking", life, {"a": "b"})], passed)]


@pytest.mark.parametrize(
    ("seconds", "passed", "there"),
    [(600, 0, 600), (600, 1, 600), (600, 999, 600), (600, 1000, 599), (600, 599_001, 1), (600, 599_999, 1),
     (600, 600_000, None), (600, 10**12, None), (600, -5000, 600), (0, 0, None), (-5, 0, None)],
)  # fmt: skip
def test_seconds_are_counted_from_the_event(seconds: int, passed: int, there: int | None) -> None:
    """A context that has less than a second left has one left, not none."""
    assert left(TimeToLive(seconds, 5), passed) == ([] if there is None else [TimeToLive(there, 5)])


@pytest.mark.parametrize(("turns", "there"), [(5, True), (1, True), (0, False), (-1, False)])
def test_turns_end_a_context_too(turns: int, there: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert left(TimeToLive(600, turns), 0) == ([TimeToLive(600, turns)] if there else [])


def test_a_time_to_live_without_numbers_does_not_end() -> None:
    assert left(TimeToLive(), 10**9) == [TimeToLive()]
    assert left(TimeToLive(turns_to_live=3), 10**9) == [TimeToLive(UNSET, 3)]


def test_each_context_has_its_own_life() -> None:
    contexts = [ActiveContext(name, TimeToLive(seconds)) for name, seconds in (("a", 60), ("b", 10), ("c", 90))]
    assert [(each.name, each.time_to_live.time_to_live_in_seconds) for each in still_active(contexts, 30_000)] == [
        ("a", 30),
        ("c", 60),
    ]


def context(name: str, seconds: int, attributes: Entry) -> Entry:
    return {
        "name": name,
        "timeToLive": {"timeToLiveInSeconds": seconds, "turnsToLive": 5},
        "contextAttributes": attributes,
    }


def test_every_member_is_as_the_last_event_left_it() -> None:
    entry = v2(
        intent_={"slots": {"City": scalar("Lisbon"), "Nights": None}, "checkpointLabel": "is of V1"},
        interpretations=[
            {"nluConfidence": "0.81", "interpretationSource": "Lex", "intent": {"name": "BookHotel", "slots": {}}},
            {"intent": {"name": "FallbackIntent", "slots": {}}},
        ],
        state={
            "activeContexts": [
                context("a", 60, {"b": "c"}),
                context("b", 10, {}),
            ],
            "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Nights", "slotElicitationStyle": "SpellByWord"},
            "runtimeHints": {"slotHints": {}},
        },
    )
    assert as_json(session_v2(event(entry), NOW)) == {
        "sessionId": "user-1",
        "messages": [{"contentType": "PlainText", "content": "Reply of 10"}],
        "interpretations": [
            {
                "nluConfidence": {"score": 0.81},
                "interpretationSource": "Lex",
                "intent": {"name": "BookHotel", "slots": {}},
            },
            {"intent": {"name": "FallbackIntent", "slots": {}}},
        ],
        "sessionState": {
            "originatingRequestId": "origin-1",
            "sessionAttributes": {"tier": "gold"},
            "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Nights", "slotElicitationStyle": "SpellByWord"},
            "intent": {
                "name": "BookHotel",
                "state": "InProgress",
                "confirmationState": "None",
                "slots": {"City": scalar("Lisbon"), "Nights": None},
            },
            "activeContexts": [
                context("a", 50, {"b": "c"}),
            ],
            "runtimeHints": {"slotHints": {}},
        },
    }


def test_a_bare_event_has_empty_lists_and_no_null() -> None:
    entry = v2(messages=None, state={"intent": None, "dialogAction": None, "sessionAttributes": None})
    assert as_json(session_v2(event(entry), NOW)) == {
        "sessionId": "user-1",
        "messages": [],
        "interpretations": [],
        "sessionState": {"originatingRequestId": "origin-1", "sessionAttributes": {}, "activeContexts": []},
    }


def test_an_event_of_v1_has_the_members_of_v2() -> None:
    entry = v1(slots={"City": "Lisbon", "Nights": None}, nluIntentConfidence="0.91")
    found = as_json(session_v2(event(entry), NOW))
    slots = {"City": {"shape": "Scalar", "value": {"interpretedValue": "Lisbon"}}, "Nights": None}
    assert found["interpretations"] == [
        {"intent": {"name": "BookHotel", "slots": slots}, "nluConfidence": {"score": 0.91}}
    ]
    assert found["sessionState"]["intent"] == {"name": "BookHotel", "state": "InProgress", "slots": slots}
    assert found["sessionState"]["dialogAction"] == {"type": "ElicitSlot", "slotToElicit": "City"}
    assert found["messages"] == [{"contentType": "PlainText", "content": "Reply of 10"}]
