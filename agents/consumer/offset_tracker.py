"""Track which offsets can be committed: never past a batch that is not written yet."""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class OffsetTracker(Generic[Partition]):
    """The batches of each partition since the last seek, in order, identified by the offset of their last record.

    A batch covers its whole range of offsets, so there are no gaps between batches: offsets between two batches are
    invisible to consumers, such as transaction markers. The committable offset is the position after the last batch
    of the unbroken run of acknowledged batches.
    """

    def __init__(self) -> None:
        self._pending: dict[Partition, deque[int]] = {}
        self._next_positions: dict[Partition, dict[int, int]] = {}
        self._acked: dict[Partition, set[int]] = {}
        self._committable: dict[Partition, int] = {}

    def add(self, partition: Partition, last: int) -> None:
        """Add a delivered batch that ends with offset `last`."""
        self._pending.setdefault(partition, deque()).append(last)
        self._next_positions.setdefault(partition, {})[last] = last + 1

    def advance_position(self, partition: Partition, position: int) -> None:
        """Note that reading has reached `position`: there are no visible records between the last batch and it."""
        if pending := self._pending.get(partition):
            self._next_positions[partition][pending[-1]] = max(position, pending[-1] + 1)
        else:
            self._committable[partition] = max(position, self._committable.get(partition, 0))

    def ack(self, partition: Partition, last: int) -> bool:
        """Acknowledge the batch that ends with `last`, as it is written; return False if it was dropped meanwhile."""
        pending = self._pending.get(partition, ())
        if last not in pending:
            return False
        self._acked.setdefault(partition, set()).add(last)
        self._advance(partition)
        return True

    def committable(self) -> dict[Partition, int]:
        """Return partition -> the offset after the last written one, for offsets that are not committed yet."""
        return dict(self._committable)

    def mark_committed(self, offsets: Mapping[Partition, int]) -> None:
        """Note that Kafka has these offsets; offsets that became committable since then stay so."""
        for partition, offset in offsets.items():
            if self._committable.get(partition) == offset:
                del self._committable[partition]

    def drop(self, partitions: Iterable[Partition]) -> None:
        """Drop the batches of partitions that are read again, or by another worker."""
        for partition in list(partitions):
            for table in (self._pending, self._next_positions, self._acked, self._committable):
                table.pop(partition, None)

    def drop_all(self) -> None:
        """Drop the batches of every partition."""
        self.drop([*self._pending, *self._committable])

    def _advance(self, partition: Partition) -> None:
        pending, acked = self._pending[partition], self._acked[partition]
        while pending and pending[0] in acked:
            last = pending.popleft()
            acked.discard(last)
            self._committable[partition] = self._next_positions[partition].pop(last)
