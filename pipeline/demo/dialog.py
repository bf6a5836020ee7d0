"""The turns of one intent: the bot's questions and a user's answers."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Self

from pipeline.demo.bots import DemoIntent

FALLBACK = "FallbackIntent"
REPEATED = 0.12
"""Share of questions that are asked twice."""
NOT_UNDERSTOOD = (
    "no no no, that is not it",
    "no no no, that is not it",
    "I want to speak to a human",
    "do you take dogs?",
    "where is my refund",
    "the thing from last time",
    "can you send me the invoice again",
    "my brother booked it, not me",
    "👍",
)
"""Utterances that the bots have no intent for; those that are here twice are twice as frequent."""
DTMF_SLOTS = {"Pin", "LastDigits"}
"""Slots whose digits are keyed in on a telephone."""


@dataclass(frozen=True, slots=True)
class DemoTurn:
    """One turn: the input and its mode, the recognised intent, the bot's reply and next action.

    `slots` holds (name, value); the value is empty while the slot is not filled.
    """

    text: str
    mode: str
    reply: str
    intent: str
    state: str
    action: str
    slots: tuple[tuple[str, str], ...] = ()
    elicit: str = ""
    confirmation: str = "None"
    missed: bool = False


@dataclass(frozen=True, slots=True)
class Dialog:
    """A user's way through one intent: the opening utterance, and an answer to each of its questions."""

    intent: DemoIntent
    modes: tuple[str, ...]
    opening: str
    answers: tuple[str, ...]

    @classmethod
    def choose(cls, rng: Random, intent: DemoIntent, modes: tuple[str, ...]) -> Self:
        """Choose an opening and answers at random."""
        return cls(
            intent,
            modes,
            rng.choice(intent.openings),
            tuple(rng.choice(slot.answers) for slot in intent.slots),
        )

    def questions(self, rng: Random, answered: int) -> Iterator[DemoTurn]:
        """Yield the opening and the first `answered` answers, each with the question that the bot asks next."""
        for index, slot in enumerate(self.intent.slots[: answered + 1]):
            yield self._turn(index, slot.question, "ElicitSlot", slot.name)
            if index < answered and rng.random() < REPEATED:
                yield DemoTurn(
                    "hm, wait", self.modes[0], slot.question, self.intent.name, "InProgress", "ElicitSlot",
                    self._slots(index), slot.name,
                )  # fmt: skip
        if answered == len(self.answers):
            yield self._turn(answered, self.intent.confirm, "ConfirmIntent")

    def confirmed(self, utterance: str, state: str) -> Iterator[DemoTurn]:
        """Yield the answer to the last question, which ends the intent in `state`."""
        denied = state == "Failed"
        yield DemoTurn(
            text=utterance,
            mode=self.modes[0],
            reply=self.intent.failed if denied else self.intent.done,
            intent=self.intent.name,
            state=state,
            action="Close",
            slots=self._slots(len(self.answers)),
            confirmation="Denied" if denied else "Confirmed",
        )

    def given_up(self, rng: Random) -> DemoTurn:
        """Return a turn that the bot does not understand and ends."""
        sorry = "Sorry, I cannot help with that. Good bye."
        return DemoTurn(
            rng.choice(NOT_UNDERSTOOD), self.modes[0], sorry, FALLBACK, "ReadyForFulfillment", "Close", missed=True
        )

    def _turn(self, known: int, reply: str, action: str, elicit: str = "") -> DemoTurn:
        """Return the turn of answer number `known`, or of the opening if that is 0."""
        utterance = self.answers[known - 1] if known else self.opening
        keyed = known and "DTMF" in self.modes and self.intent.slots[known - 1].name in DTMF_SLOTS
        mode = "DTMF" if keyed else self.modes[0]
        return DemoTurn(utterance, mode, reply, self.intent.name, "InProgress", action, self._slots(known), elicit)

    def _slots(self, known: int) -> tuple[tuple[str, str], ...]:
        names = [slot.name for slot in self.intent.slots]
        values = (*self.answers[:known], *[""] * (len(names) - known))
        return tuple(zip(names, values, strict=True))
