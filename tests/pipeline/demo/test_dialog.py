# ruff: noqa: S311 - no secret is made of these numbers
from random import Random

import pytest

from pipeline.demo.bots import bank_bot, travel_bot
from pipeline.demo.dialog import DemoTurn, Dialog

HOTEL = travel_bot().intents["en_US"][0]
BALANCE = bank_bot().intents["en_US"][0]
PERSON = bank_bot().intents["en_US"][3]


def dialog(seed: int = 1) -> Dialog:
    return Dialog.choose(Random(seed), HOTEL, ("Text",))


@pytest.mark.parametrize("answered", range(len(HOTEL.slots) + 1))
def test_each_answer_leads_to_the_next_question(answered: int) -> None:
    steps = list(dialog().questions(Random(1), answered))
    asked = list(dict.fromkeys(step.elicit for step in steps if step.elicit))
    assert asked == [slot.name for slot in HOTEL.slots][: answered + 1]
    assert steps[0].text in HOTEL.openings
    assert (steps[-1].action == "ConfirmIntent") == (answered == len(HOTEL.slots))


def test_filled_slots_stay_filled() -> None:
    there = dialog()
    known: list[int] = []
    for step in [*there.questions(Random(1), len(HOTEL.slots)), *there.confirmed("yes", "Fulfilled")]:
        assert [name for name, _ in step.slots] == [slot.name for slot in HOTEL.slots]
        known.append(sum(bool(value) for _, value in step.slots))
    assert known == sorted(known)
    assert known[-1] == len(HOTEL.slots)
    assert step.slots == tuple(zip([slot.name for slot in HOTEL.slots], there.answers, strict=True))


def test_an_end_is_confirmed_or_denied_and_closes() -> None:
    yes, no = (next(dialog().confirmed("", state)) for state in ("Fulfilled", "Failed"))
    assert (yes.confirmation, yes.action, yes.reply) == ("Confirmed", "Close", HOTEL.done)
    assert (no.confirmation, no.action, no.reply) == ("Denied", "Close", HOTEL.failed)


def test_only_secrets_are_keyed_in_and_only_where_there_are_keys() -> None:
    def modes(*modes: str) -> list[str]:
        return [step.mode for step in first_said(Dialog.choose(Random(3), BALANCE, modes))]

    assert modes("Speech", "DTMF") == ["Speech", "Speech", "DTMF"]
    assert modes("Speech") == ["Speech"] * 3


def test_an_intent_without_questions_is_confirmed_at_once() -> None:
    steps = list(Dialog.choose(Random(1), PERSON, ("Text",)).questions(Random(1), 0))
    assert [step.action for step in steps] == ["ConfirmIntent"]


def first_said(there: Dialog) -> list[DemoTurn]:
    """The turns, without those in which the guest hesitates."""
    return [step for step in there.questions(Random(1), len(there.answers)) if step.text != "hm, wait"]
