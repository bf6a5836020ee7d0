"""Compare what the tables and the dead letters hold in the end with what was sent."""

import msgspec

from pipeline.kafka.dead_letters.reader import read_dead_letters
from tests.integration.component_stack import Pieces
from tests.integration.tables import Differences, differences

FAULTS = ("lost", "double", "wrong", "events_lost", "events_double", "letters_lost", "workers_ended")
"""What there must be none of."""


class Verdict(Differences):
    """What is `letters_lost` is neither folded nor a dead letter. Workers have ended that nobody has ended."""

    letters: int
    letters_lost: int
    workers_ended: int

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not any(getattr(self, name) for name in FAULTS)


def judge(parts: Pieces, lines: list[bytes], buried: set[tuple[str, int, int]], workers_ended: int = 0) -> Verdict:
    """Compare every conversation and event with the slow fold of `lines`, and dead letters with what was `buried`.

    What was sent only in aborted transactions is not among the lines, so that each trace of it counts as wrong.
    """
    letters = {
        (one.letter.topic, one.letter.partition, one.letter.offset)
        for one in read_dead_letters(parts.settings, newest=None)
        if one.letter
    }
    found = msgspec.structs.asdict(differences(parts, lines))
    lost = len(buried - letters)
    return Verdict(**found, letters=len(letters), letters_lost=lost, workers_ended=workers_ended)
