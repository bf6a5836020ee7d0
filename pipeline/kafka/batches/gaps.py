"""Tell a jump in the offsets that is real from a batch that a broker does not show yet."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from pipeline.kafka.batches.record_batch import base_offset, is_legacy, next_offset

log = logging.getLogger(__name__)

JUMP_S = 1.0
"""A jump is real when it is there again so much later: of two batches written at once, the second may come first."""

Partition = tuple[str, int]
Jump = tuple[int, int]
"""The offset that should have come, and the one that did."""


class Gaps:
    """Remembers, for each partition, which offsets were not there when they should have been."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jumps: dict[Partition, dict[Jump, float]] = {}

    def before_jump(self, partition: Partition, requested: int, batches: Sequence[bytes]) -> Sequence[bytes]:
        """The batches in front of the first jump that was not there before: what is behind it is to be fetched again.

        All jumps of an answer are remembered, so that one that has many is fetched twice, and not once for each. An
        answer without anything tells nothing: a broker may be too busy to send what it has.
        """
        if not batches:
            return batches
        found = list(_jumps(requested, batches))
        now, known = self._clock(), self._jumps.pop(partition, {})
        for expected, base in known.keys() - {jump for _, jump in found}:
            if expected >= requested:
                log.info("%s/%d: offsets %d to %d were not there at first", *partition, expected, base - 1)
        if not found:
            return batches
        since = {jump: known.get(jump, now) for _, jump in found}
        self._jumps[partition] = since
        return batches[: next((place for place, jump in found if now - since[jump] < JUMP_S), len(batches))]


def _jumps(requested: int, batches: Sequence[bytes]) -> Iterator[tuple[int, Jump]]:
    """The jumps among the batches, with the place of the batch behind each.

    The offset of an old message may be that of the last one in it, and tells of no jump.
    """
    expected = requested
    for place, batch in enumerate(batches):
        base = base_offset(batch)
        if base > expected and not is_legacy(batch):
            yield place, (expected, base)
        expected = max(expected, next_offset(batch))
