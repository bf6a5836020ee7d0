"""The sentence says the state that the fold gives, for every kind of conversation of the demo."""

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.console.output.end_rule import end_rule
from schemas.lex.analytics.list_sessions import SessionSpecification
from schemas.turn import Turn
from tests.events import turn

SETTINGS = Settings(idle_ttl=300.0)
FACTS = SessionSpecification("", "", "", "", 0.0, 0.0, 0, 0, (), "")


@pytest.mark.parametrize(
    ("state", "last", "words"),
    [
        ("Success", turn(intent_name="BookHotel", intent_state="Fulfilled"), "BookHotel, closed as Fulfilled"),
        ("Failure", turn(intent_name="BookHotel", intent_state="Failed"), "BookHotel, closed as Failed"),
        (
            "Failure",
            turn(intent_name="FallbackIntent"),
            "nothing else was recognised",
        ),
        ("Dropped", turn(intent_name="BookHotel", intent_state="InProgress"), "not finished (InProgress)"),
        ("Dropped", None, "no intent was recognised, and nothing followed for 300 s"),
        ("", turn(intent_name="BookHotel"), "fewer than 300 s"),
    ],
)
def test_the_rule_is_told(state: str, last: Turn | None, words: str) -> None:
    facts = msgspec.structs.replace(FACTS, conversation_end_state=state or msgspec.UNSET)
    told = end_rule(last, facts, SETTINGS)
    assert words in told
    assert told.startswith(state or "Open")
