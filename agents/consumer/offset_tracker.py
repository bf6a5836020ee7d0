"""Batches delivered and acknowledged in, the offset that may be committed out: never past what is unwritten."""

from collections import deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Generic, TypeVar

Partition = TypeVar("Partition", bound=Hashable)


class OffsetTracker(Generic[Partition]):
    """For each partition, the batches handed out since the last seek, in order, by the offset of their last record.

    A batch stands for its whole range of offsets, so there are no gaps between batches: what lies between two
    of them is nothing that a consumer could see, such as markers of transactions. The committable offset is where
    reading goes on behind the last batch of the unbroken run of acknowledged ones.
    """

    def __init__(self) -> None:
        self._pending: dict[Partition, deque[int]] = {}
        self._behind: dict[Partition, dict[int, int]] = {}
        self._acked: dict[Partition, set[int]] = {}
        self._committable: dict[Partition, int] = {}

    def delivered(self, partition: Partition, last: int) -> None:
        """A batch that ends with offset `last` was handed out."""
        self._pending.setdefault(partition, deque()).append(last)
        self._behind.setdefault(partition, {})[last] = last + 1

    def passed(self, partition: Partition, position: int) -> None:
        """Reading has come to `position`: between the last batch and there is nothing that a consumer could see."""
        if pending := self._pending.get(partition):
            self._behind[partition][pending[-1]] = max(position, pending[-1] + 1)
        else:
            self._committable[partition] = max(position, self._committable.get(partition, 0))

    def acked(self, partition: Partition, last: int) -> bool:
        """The batch that ends with `last` is written; False where it was forgotten meanwhile."""
        pending = self._pending.get(partition, ())
        if last not in pending:
            return False
        self._acked.setdefault(partition, set()).add(last)
        self._advance(partition)
        return True

    def committable(self) -> dict[Partition, int]:
        """Partition -> the offset after the last one that is written, where Kafka does not have it yet."""
        return dict(self._committable)

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Kafka has these offsets: what was written since stays to be committed."""
        for partition, offset in offsets.items():
            if self._committable.get(partition) == offset:
                del self._committable[partition]

    def forget(self, partitions: Iterable[Partition]) -> None:
        """The partitions are read anew, or by another worker: what was handed out before no longer counts."""
        for partition in list(partitions):
            for table in (self._pending, self._behind, self._acked, self._committable):
                table.pop(partition, None)

    def forget_all(self) -> None:
        """As `forget`, for every partition."""
        self.forget([*self._pending, *self._committable])

    def _advance(self, partition: Partition) -> None:
        pending, acked = self._pending[partition], self._acked[partition]
        while pending and pending[0] in acked:
            last = pending.popleft()
            acked.discard(last)
            self._committable[partition] = self._behind[partition].pop(last)
