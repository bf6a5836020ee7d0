"""An intent and a guest's answers to its questions in; the turns that lead through it out."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Self

from pipeline.demo.story import Intent

FALLBACK = "FallbackIntent"
MISHEARD = 0.12
"""Share of questions that have to be asked twice."""
KEYED_IN = {"Pin", "LastDigits"}
"""Slots whose digits are keyed in where there are keys."""


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: what was said and how, what was understood, what the bot answers and waits for.

    `slots` holds (name, value), the value empty where the bot does not know it yet.
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
class Visit:
    """One guest's way through one intent: `opening` is said first, `answers` are those to its questions."""

    intent: Intent
    modes: tuple[str, ...]
    opening: str
    answers: tuple[str, ...]

    @classmethod
    def of(cls, rng: Random, intent: Intent, modes: tuple[str, ...]) -> Self:
        """A guest who wants this."""
        return cls(
            intent,
            modes,
            rng.choice(intent.openings),
            tuple(rng.choice(slot.answers) for slot in intent.slots),
        )

    def questions(self, rng: Random, answered: int) -> Iterator[Step]:
        """The opening and the first `answered` answers, each with the question that the bot asks next."""
        for place, slot in enumerate(self.intent.slots[: answered + 1]):
            yield self._turn(place, slot.question, "ElicitSlot", slot.name)
            if place < answered and rng.random() < MISHEARD:
                yield Step(
                    "hm, wait", self.modes[0], slot.question, self.intent.name, "InProgress", "ElicitSlot",
                    self._slots(place), slot.name,
                )  # fmt: skip
        if answered == len(self.answers):
            yield self._turn(answered, self.intent.confirm, "ConfirmIntent")

    def confirmed(self, said: str, state: str) -> Iterator[Step]:
        """The answer to the last question, which ends the intent in `state`."""
        denied = state == "Failed"
        yield Step(
            text=said,
            mode=self.modes[0],
            reply=self.intent.failed if denied else self.intent.done,
            intent=self.intent.name,
            state=state,
            action="Close",
            slots=self._slots(len(self.answers)),
            confirmation="Denied" if denied else "Confirmed",
        )

    def given_up(self) -> Step:
        """The bot does not understand, and ends it."""
        sorry = "Sorry, I cannot help with that. Good bye."
        said = "no no no, that is not it"
        return Step(said, self.modes[0], sorry, FALLBACK, "ReadyForFulfillment", "Close", missed=True)

    def _turn(self, known: int, reply: str, action: str, elicit: str = "") -> Step:
        """The turn in which the guest gives answer number `known`, or the opening where that is 0."""
        said = self.answers[known - 1] if known else self.opening
        keyed = known and "DTMF" in self.modes and self.intent.slots[known - 1].name in KEYED_IN
        mode = "DTMF" if keyed else self.modes[0]
        return Step(said, mode, reply, self.intent.name, "InProgress", action, self._slots(known), elicit)

    def _slots(self, known: int) -> tuple[tuple[str, str], ...]:
        names = [slot.name for slot in self.intent.slots]
        values = (*self.answers[:known], *[""] * (len(names) - known))
        return tuple(zip(names, values, strict=True))
