"""Distinguish real jumps in the offsets from batches that a broker does not show yet."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from pipeline.kafka.batches.record_batch import base_offset, is_legacy, next_offset

log = logging.getLogger(__name__)

JUMP_S = 1.0
"""Seconds after which a jump that is still there is real: of two batches written at once, the second may show first."""

Partition = tuple[str, int]
Jump = tuple[int, int]
"""The offset that was expected, and the one that came instead."""


class Gaps:
    """Remembers the missing offsets of each partition."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jumps: dict[Partition, dict[Jump, float]] = {}

    def before_jump(self, partition: Partition, requested: int, batches: Sequence[bytes]) -> Sequence[bytes]:
        """Return the batches before the first new jump; what follows it has to be fetched again.

        All jumps of a response are remembered, so that one with many is fetched twice, not once for each. An empty
        response proves nothing: a broker may be too busy to send what it has.
        """
        if not batches:
            return batches
        jumps = list(_jumps(requested, batches))
        now, known = self._clock(), self._jumps.pop(partition, {})
        for expected, base in known.keys() - {jump for _, jump in jumps}:
            if expected >= requested:
                log.info("%s/%d: offsets %d to %d appeared late", *partition, expected, base - 1)
        if not jumps:
            return batches
        since = {jump: known.get(jump, now) for _, jump in jumps}
        self._jumps[partition] = since
        return batches[: next((index for index, jump in jumps if now - since[jump] < JUMP_S), len(batches))]


def _jumps(requested: int, batches: Sequence[bytes]) -> Iterator[tuple[int, Jump]]:
    """Yield the jumps among the batches, each with the index of the batch after it.

    The offset of a legacy message may be that of the last message in it, so it proves no jump.
    """
    expected = requested
    for index, batch in enumerate(batches):
        base = base_offset(batch)
        if base > expected and not is_legacy(batch):
            yield index, (expected, base)
        expected = max(expected, next_offset(batch))
