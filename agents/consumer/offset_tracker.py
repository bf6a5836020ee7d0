"""Track which offsets can be committed: never past a batch that is not written yet."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


@dataclass(slots=True)
class _Batch:
    """A delivered batch; `next_position` is where reading goes on after it."""

    next_position: int
    acked: bool = False


class OffsetTracker(Generic[Partition]):
    """The batches of each partition since the last seek, in order, identified by the offset of their last record.

    A batch covers its whole range of offsets, so there are no gaps between batches: offsets between two batches are
    invisible to consumers, such as transaction markers. The committable offset is the position after the last batch
    of the unbroken run of acknowledged batches.
    """

    def __init__(self) -> None:
        self._batches: dict[Partition, dict[int, _Batch]] = {}
        self._committable: dict[Partition, int] = {}

    def add(self, partition: Partition, last: int) -> None:
        """Add a delivered batch that ends with offset `last`."""
        self._batches.setdefault(partition, {})[last] = _Batch(last + 1)

    def advance_position(self, partition: Partition, position: int) -> None:
        """Note that reading has reached `position`: there are no visible records between the last batch and it."""
        if batches := self._batches.get(partition):
            last = next(reversed(batches))
            batches[last].next_position = max(position, last + 1)
        else:
            self._committable[partition] = max(position, self._committable.get(partition, 0))

    def ack(self, partition: Partition, last: int) -> bool:
        """Acknowledge the batch that ends with `last`, as it is written; return False if it was dropped meanwhile."""
        batches = self._batches.get(partition, {})
        if last not in batches:
            return False
        batches[last].acked = True
        for offset, batch in list(batches.items()):
            if not batch.acked:
                break
            del batches[offset]
            self._committable[partition] = batch.next_position
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
            self._batches.pop(partition, None)
            self._committable.pop(partition, None)

    def drop_all(self) -> None:
        """Drop the batches of every partition."""
        self._batches.clear()
        self._committable.clear()
