"""A conversation's row has the key that its turns have."""

from schemas.columns import columns
from schemas.conversation import Conversation, EndState
from tests.events import slow_fold, turn


def test_a_row_has_the_key_of_the_turns_that_it_is_folded_from() -> None:
    event = turn()
    assert [row.key for row in slow_fold([event])] == [event.key]


def test_an_open_conversation_has_an_empty_end_state() -> None:
    assert EndState("") is EndState.OPEN
    assert columns(Conversation)["end_state"] == "LowCardinality(String)"
