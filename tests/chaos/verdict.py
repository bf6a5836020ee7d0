"""Compare the tables and the dead letters with what was sent."""

import msgspec

from pipeline.kafka.dead_letters.reader import read_dead_letters
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import Differences, differences

FAULTS = ("lost", "double", "wrong", "events_lost", "events_double", "letters_lost", "workers_ended")
"""Fields of a verdict that must be 0."""


class Verdict(Differences):
    """The differences. `letters_lost` are neither folded nor dead letters; `workers_ended` ended by themselves."""

    letters: int
    letters_lost: int
    workers_ended: int

    @property
    def good(self) -> bool:
        """Return whether nothing is wrong."""
        return not any(getattr(self, name) for name in FAULTS)


def judge(
    parts: ComponentStack, lines: list[bytes], buried: set[tuple[str, int, int]], workers_ended: int = 0
) -> Verdict:
    """Compare every conversation and event with the slow fold of `lines`, and dead letters with what was `buried`.

    Messages of aborted transactions are not among the lines, so that each trace of them counts as wrong.
    """
    letters = {
        (one.letter.topic, one.letter.partition, one.letter.offset)
        for one in read_dead_letters(parts.settings, newest=None)
        if one.letter
    }
    found = msgspec.structs.asdict(differences(parts, lines))
    lost = len(buried - letters)
    return Verdict(**found, letters=len(letters), letters_lost=lost, workers_ended=workers_ended)
