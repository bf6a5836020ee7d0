"""The rules of the fold, each by an example that would come out otherwise without it."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fold.fold import fold
from tests.events import RULES, START, turn, turns


def folded(*events: dict[str, Any]) -> Any:
    """The row of events that are a second apart, and each a request of its own, unless they say otherwise."""
    return fold(
        [
            turn(**{"timestamp": START + 1000 * n, "request_id": f"request-{n}"} | event)
            for n, event in enumerate(events)
        ],
        RULES,
    )


def test_times_and_duration_come_from_the_least_and_greatest_timestamp() -> None:
    row = folded({"timestamp": START + 5_999}, {"timestamp": START}, {"timestamp": START + 3_000})
    assert (row.start, row.end, row.duration_seconds) == (START, START + 5_999, 5)


def test_turns_are_distinct_requests_and_putsession_is_none() -> None:
    row = folded({"operation_name": "PutSession"}, {"request_id": "a"}, {"request_id": "a"}, {"request_id": "b"})
    assert (row.turns, row.version) == (2, 4)


@pytest.mark.parametrize(
    ("modes", "mode"),
    [(["Text", "Text"], "Text"), (["Text", "DTMF"], "MultiMode"), (["", "Speech"], "Speech"), ([""], "")],
)
def test_mode_is_that_of_the_turns_where_they_agree(modes: list[str], mode: str) -> None:
    assert folded(*({"input_mode": m} for m in modes)).mode == mode


def test_the_mode_of_a_putsession_does_not_count() -> None:
    assert folded({"operation_name": "PutSession", "input_mode": "Speech"}, {"input_mode": "Text"}).mode == "Text"


def test_channel_is_the_last_one_named() -> None:
    assert folded({"channel": "Slack"}, {"channel": "Facebook"}, {"channel": ""}).channel == "Facebook"


def test_alias_version_and_locale_are_those_of_the_last_event() -> None:
    row = folded({"locale_id": "de_DE", "bot_version": "1"}, {"locale_id": "en_GB", "bot_version": "2"})
    assert (row.locale_id, row.bot_version) == ("en_GB", "2")


def test_intents_are_distinct_in_order_and_the_path_drops_only_neighbours() -> None:
    row = folded(*({"intent_name": name} for name in ("A", "A", "B", "", "B", "A")))
    assert (row.intents, row.intent_path) == (("A", "B"), "/A/B/A")


@pytest.mark.parametrize(
    ("intent", "state", "action", "end_state"),
    [
        ("BookHotel", "Fulfilled", "Close", "Success"),
        ("BookHotel", "ReadyForFulfillment", "Close", "Success"),
        ("BookHotel", "Fulfilled", "ElicitIntent", ""),
        ("BookHotel", "Failed", "Close", "Failure"),
        ("BookHotel", "Failed", "ElicitSlot", ""),
        ("BookHotel", "InProgress", "Close", ""),
        ("FallbackIntent", "ReadyForFulfillment", "Close", "Failure"),
        ("FallbackIntent", "InProgress", "ElicitIntent", "Failure"),
    ],
)
def test_end_state(intent: str, state: str, action: str, end_state: str) -> None:
    row = folded({}, {"intent_name": intent, "intent_state": state, "dialog_action": action})
    assert row.end_state == end_state


def test_end_state_is_that_of_the_last_event_with_an_intent() -> None:
    closed = {"intent_state": "Fulfilled", "dialog_action": "Close"}
    assert folded(closed, {"intent_name": "", "intent_state": "", "dialog_action": "Close"}).end_state == "Success"
    assert folded({"intent_name": "", "dialog_action": "Close"}).end_state == ""


def test_ties_in_time_are_ordered_by_request() -> None:
    row = folded({"timestamp": START, "request_id": "b", "intent_name": "B"}, {"timestamp": START, "request_id": "a"})
    assert row.intent_path == "/BookHotel/B"


@given(st.lists(turns(), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_order_and_duplicates_change_nothing(events: list[Any], chance: random.Random) -> None:
    events = [event for event in events if event.key == events[0].key]
    distinct = list({event.identity: event for event in events}.values())
    shuffled = distinct.copy()
    chance.shuffle(shuffled)
    assert fold(shuffled, RULES) == fold(distinct, RULES)
