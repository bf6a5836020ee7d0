"""A transcript has the turns in the order in which they were spoken, with absent values left out."""

import pytest

from pipeline.query.get_session.transcript import transcript
from tests.pipeline.query.session_entries import NOW, as_json, event, v1, v2


def test_turns_are_in_the_order_of_time() -> None:
    response = transcript([event(v2(ago)) for ago in (5, 10, 20)], truncated=False)
    times = [turn.timestamp for turn in response.turns]
    assert times == sorted(times)
    assert times[-1] == NOW / 1000 - 5
    assert [turn.messages[0].content for turn in response.turns] == ["Reply of 20", "Reply of 10", "Reply of 5"]


def test_the_session_is_described_by_its_last_event() -> None:
    last = event(v2(5))
    response = transcript([last, event(v2(10))], truncated=False)
    assert (response.bot_id, response.bot_alias_id, response.bot_version, response.locale_id) == (
        last.turn.bot_id,
        last.turn.bot_alias_id,
        last.turn.bot_version,
        last.turn.locale_id,
    )
    assert (response.session_id, response.originating_request_id) == ("user-1", "origin-1")


@pytest.mark.parametrize("truncated", [True, False])
def test_older_events_that_are_left_out_are_reported(truncated: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert transcript([event(v2())], truncated=truncated).truncated is truncated


def test_absent_values_are_left_out() -> None:
    (turn,) = as_json(transcript([event(v2(5, inputTranscript="", state={"intent": None}))], truncated=False))["turns"]
    assert "inputTranscript" not in turn
    assert "intentName" not in turn
    assert "intentState" not in turn


def test_turns_of_v1_are_shown_as_those_of_v2() -> None:
    (turn,) = transcript([event(v1(5, "BookHotel"))], truncated=False).turns
    assert turn.intent_name == "BookHotel"
    assert turn.messages
