"""Tell a jump in the offsets that is real from a batch that a broker does not show yet."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from pipeline.kafka.record_batch import base_offset, empty, next_offset, written

log = logging.getLogger(__name__)

JUMP_S = 0.25
"""A jump is real when it is there again so much later: of two batches written at once, the second may come first."""
HOLE_S = 8.0
"""Where nothing comes although there should be something, compaction has taken it, if that stays so for so long."""
HOLE_ANSWERS = 20
"""And if so many answers in a row have said it."""

Partition = tuple[str, int]
Jump = tuple[int, int]
"""The offset that should have come, and the one that did."""


class Gaps:
    """Remembers, for each partition, which offsets were not there when they should have been."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._jumps: dict[Partition, dict[Jump, float]] = {}
        self._holes: dict[Partition, tuple[float, int, Jump]] = {}

    def before_jump(self, partition: Partition, requested: int, batches: Sequence[bytes]) -> Sequence[bytes]:
        """The batches in front of the first jump that was not there before: what is behind it is to be fetched again.

        All jumps of an answer are remembered, so that one that has many is fetched twice, and not once for each.
        """
        self._holes.pop(partition, None)
        found = list(_jumps(requested, batches))
        now, known = self._clock(), self._jumps.pop(partition, {})
        for expected, base in known.keys() - {jump for _, jump in found}:
            log.info("%s/%d: offsets %d to %d were not there at first", *partition, expected, base - 1)
        if not found:
            return batches
        since = {jump: known.get(jump, now) for _, jump in found}
        self._jumps[partition] = since
        return batches[: next((place for place, jump in found if now - since[jump] < JUMP_S), len(batches))]

    def beyond_hole(self, partition: Partition, requested: int, end: int) -> bytes:
        """Make of an answer without records one that goes on at `end`, where nothing will come before it any more."""
        if requested >= end:
            self._holes.pop(partition, None)
            return b""
        now, hole = self._clock(), (requested, end)
        since, answers, before = self._holes.get(partition, (now, 0, hole))
        if before != hole:
            since, answers = now, 0
        self._holes[partition] = (since, answers + 1, hole)
        if answers < HOLE_ANSWERS or now - since < HOLE_S:
            return b""
        return written(empty(requested, end - 1, 0), b"")


def _jumps(requested: int, batches: Sequence[bytes]) -> Iterator[tuple[int, Jump]]:
    """The jumps among the batches, with the place of the batch behind each."""
    expected = requested
    for place, batch in enumerate(batches):
        base = base_offset(batch)
        if base > expected:
            yield place, (expected, base)
        expected = max(expected, next_offset(batch))
