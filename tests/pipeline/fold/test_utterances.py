"""Utterances of a conversation, each rule by an example that would come out otherwise without it."""

from typing import Any

from pipeline.fold.utterances import Utterance, utterances
from tests.events import START, turn

ASKS = {"dialog_action": "ElicitSlot"}


def said(*talk: dict[str, Any]) -> list[Utterance]:
    """Utterances of events a second apart, each a request of its own unless it says otherwise."""
    fixed = {"dialog_action": "Delegate"}
    events = [
        turn(**{"timestamp": START + 1000 * n, "request_id": f"r{n}"} | fixed | one) for n, one in enumerate(talk)
    ]
    return list(utterances(events))


def test_an_utterance_has_the_facts_of_its_event() -> None:
    missed = {"utterance": "hm", "missed_utterance": True, "intent_name": "FallbackIntent"}
    assert said(missed) == [(START, "r0", "hm", True, "FallbackIntent", "")]


def test_of_several_events_of_a_request_the_first_with_a_text_counts() -> None:
    one = {"request_id": "r"}
    found = said(
        one | {"utterance": ""}, one | {"utterance": "first"}, one | {"utterance": "second"}, {"utterance": ""}
    )
    assert [(text, time) for time, _, text, *_ in found] == [("first", START + 1000)]


def test_the_slot_is_the_one_that_the_last_other_request_asked_for() -> None:
    found = said(
        ASKS | {"slot_to_elicit": "City"},
        ASKS | {"slot_to_elicit": "Day"},
        {"request_id": "r1"},
        {"request_id": "r3", "slot_to_elicit": "Nights"},
        {},
        {"request_id": "r3"},
    )
    assert [(request, slot) for _, request, *_, slot in found] == [("r0", ""), ("r1", "City"), ("r3", ""), ("r4", "")]


def test_a_slot_counts_only_where_the_bot_asked_for_it() -> None:
    slots = [slot for *_, slot in said(ASKS | {"slot_to_elicit": "City"}, {}, {"slot_to_elicit": "Day"}, {})]
    assert slots == ["", "City", "", ""]


def test_entries_of_one_request_need_not_be_side_by_side() -> None:
    found = said(ASKS | {"slot_to_elicit": "City", "request_id": "a"}, {"request_id": "b", "utterance": ""},
                 {"request_id": "a"}, {"request_id": "b"})  # fmt: skip
    assert [(request, slot) for _, request, *_, slot in found] == [("a", ""), ("b", "")]
