"""A transcript omits what a turn does not have, and its length is limited."""

import msgspec
import pytest

from schemas.lex.session_v2 import Message
from schemas.lex.transcript import MAX_TURNS, MaxTurns, SpokenTurn


def test_a_turn_omits_members_that_are_unset() -> None:
    turn = SpokenTurn(timestamp=1.5, request_id="r", messages=(Message("PlainText", "hi"),), input_transcript="hello")
    assert msgspec.to_builtins(turn) == {
        "timestamp": 1.5,
        "requestId": "r",
        "messages": ({"contentType": "PlainText", "content": "hi"},),
        "inputTranscript": "hello",
    }


@pytest.mark.parametrize("number", [0, -1, MAX_TURNS + 1])
def test_a_number_of_turns_outside_its_limits_is_an_error(number: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(number, MaxTurns)
    assert msgspec.convert(MAX_TURNS, MaxTurns) == MAX_TURNS
