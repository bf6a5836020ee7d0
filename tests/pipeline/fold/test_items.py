"""Visits of intents and of stages, each rule by an example that would come out otherwise without it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fold.fold import fold
from pipeline.fold.items import Utterance, intent_visits, split_visits, stage_visits, utterances
from schemas.turn import Turn
from tests.events import RULES, START, turn, turns

Talk = list[dict[str, Any]]
CLOSED = {"dialog_action": "Close", "intent_state": "Fulfilled"}
FAILS = {"dialog_action": "Close", "intent_state": "Failed"}
GOES_ON = {"dialog_action": "Delegate", "intent_state": "InProgress"}
ASKS_CITY = {"dialog_action": "ElicitSlot", "slot_to_elicit": "City"}
ASKS_DAY = {"dialog_action": "ElicitSlot", "slot_to_elicit": "Day"}
CONFIRMS = {"dialog_action": "ConfirmIntent"}
A, B, NONE, FALLBACK = ({"intent_name": name} for name in ("A", "B", "", "FallbackIntent"))


def events(talk: Talk) -> list[Turn]:
    """Events a second apart, each a request of its own unless it says otherwise."""
    return [
        turn(**{"timestamp": START + 1000 * n, "request_id": f"r{n}"} | GOES_ON | one) for n, one in enumerate(talk)
    ]


def visits(*talk: dict[str, Any]) -> list[list[Turn]]:
    return split_visits(events(list(talk)))


def states(*talk: dict[str, Any]) -> list[tuple[str, int, str]]:
    return list(intent_visits(visits(*talk), RULES))


def stages(*talk: dict[str, Any]) -> list[tuple[str, int, str, str]]:
    found = stage_visits(visits(*talk), RULES)
    return [(stage, retries, state, switched_to) for _, stage, state, switched_to, retries in found]


def test_a_visit_that_another_intent_follows_is_switched() -> None:
    assert states(A, B | CLOSED) == [("A", 1, "Switched"), ("B", 2, "Success")]


def test_an_intent_that_is_visited_again_at_once_keeps_its_level() -> None:
    assert states(A | CLOSED, A | FAILS, B) == [("A", 1, "Success"), ("A", 1, "Failed"), ("B", 2, "")]


def test_the_level_counts_names_in_the_merged_path() -> None:
    assert [level for _, level, _ in states(A, B, A, NONE, A, B)] == [1, 2, 3, 4]


@pytest.mark.parametrize("state", ["Fulfilled", "ReadyForFulfillment"])
def test_a_visit_succeeds_if_its_last_event_completes_it(state: str) -> None:
    assert states(A, A | CLOSED | {"intent_state": state}) == [("A", 1, "Success")]


def test_the_last_entry_of_a_request_decides_and_begins_no_visit() -> None:
    waiting = {"request_id": "r", "intent_state": "FulfillmentInProgress", "dialog_action": "Close"}
    assert states(A | CLOSED | {"request_id": "r"}, A | waiting, A | CLOSED | {"request_id": "r"}) == [
        ("A", 1, "Success")
    ]
    assert states(A | CLOSED | {"request_id": "r"}, A | waiting) == [("A", 1, "")]


def test_an_event_that_does_not_complete_ends_no_visit() -> None:
    assert states(A | {"dialog_action": "Close"}, A) == [("A", 1, "")]


def test_a_fallback_intent_fails_and_so_does_the_visit_before_it() -> None:
    assert states(A, FALLBACK | CLOSED, A) == [("A", 1, "Failed"), ("FallbackIntent", 2, "Failed"), ("A", 3, "")]
    assert states(A | CLOSED, FALLBACK) == [("A", 1, "Success"), ("FallbackIntent", 2, "Failed")]


def test_events_without_an_intent_belong_to_no_visit() -> None:
    (visit,) = visits(NONE, A, NONE, A)
    assert [event.request_id for event in visit] == ["r1", "r3"]
    assert visits(NONE) == []


def test_a_stage_that_is_asked_for_again_has_retries() -> None:
    assert stages(A | ASKS_CITY, A | ASKS_CITY, NONE, A | ASKS_CITY, A | CLOSED) == [("City", 2, "Success", "")]


def test_retries_are_of_requests_not_of_entries() -> None:
    talk = (A | ASKS_CITY | {"request_id": "r"}, A | ASKS_CITY | {"request_id": "r"}, A | CONFIRMS, A | FAILS)
    assert stages(*talk) == [("City", 0, "Success", ""), ("ConfirmIntent", 0, "Failed", "")]


def test_a_stage_is_left_for_another_intent_or_for_the_fallback() -> None:
    assert stages(A | ASKS_CITY, B) == [("City", 0, "Dropped", "B")]
    assert stages(A | ASKS_CITY, FALLBACK) == [("City", 0, "Failed", "")]


def test_a_stage_that_nothing_follows_is_open() -> None:
    assert stages(A | ASKS_CITY, A | ASKS_DAY, A | ASKS_CITY) == [
        ("City", 0, "Success", ""),
        ("Day", 0, "Success", ""),
        ("City", 0, "", ""),
    ]


def test_a_completed_visit_and_the_next_one_of_its_intent_have_stages_of_their_own() -> None:
    assert stages(A | ASKS_CITY, A | CLOSED, A | ASKS_CITY) == [("City", 0, "Success", ""), ("City", 0, "", "")]
    assert stages(A | ASKS_CITY | FAILS | {"dialog_action": "ElicitSlot"}, A | FAILS) == [("City", 0, "Failed", "")]


def test_a_slot_is_asked_for_only_where_the_action_says_so() -> None:
    assert stages(A | {"slot_to_elicit": "City"}, A | {"dialog_action": "ElicitSlot"}) == []


@given(st.lists(turns(), min_size=1, max_size=15))
def test_visits_agree_with_the_row_of_their_conversation(drawn: list[Turn]) -> None:
    """Each event with an intent is in one visit, names at new levels are the intent path, only the end is open."""
    row = fold({event.identity: event for event in drawn if event.key == drawn[0].key}.values(), RULES)
    names = [
        name
        for name, level, before in zip(row.visit_intents, row.visit_levels, (0, *row.visit_levels), strict=False)
        if level > before
    ]
    assert "".join(f"/{name}" for name in names) == row.intent_path
    assert row.visit_levels == tuple(sorted(row.visit_levels))
    assert "" not in row.visit_states[:-1]
    assert "" not in row.stage_states[:-1]
    assert ("" in row.visit_states) == (bool(row.intents) and row.end_state == "")
    assert set(row.stage_intents) <= set(row.intents)
    assert {name for name in row.stage_switched_to if name} <= set(row.intents)


@given(st.lists(turns(), max_size=15))
def test_every_event_with_an_intent_is_in_one_visit(drawn: list[Turn]) -> None:
    split = split_visits(sorted(drawn, key=lambda event: event.order))
    together = [event for visit in split for event in visit]
    assert together == [event for event in sorted(drawn, key=lambda event: event.order) if event.intent_name]
    assert all(len({event.intent_name for event in visit}) == 1 for visit in split)


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
