"""Define how far the workers are behind in a partition."""

import msgspec


class PartitionLag(msgspec.Struct, frozen=True):
    """Offsets of one partition. `committed` is None where the workers' group has never committed.

    Records between `end` and the high watermark cannot be read until their transaction is committed or aborted.
    """

    topic: str
    partition: int
    beginning: int
    end: int
    committed: int | None
    high_watermark: int = 0
    is_recreated: bool = False
    """Whether the offset was committed for a topic of the same name that was deleted since."""

    @property
    def reached(self) -> int:
        """Return where the workers continue: at the committed offset, or at the beginning if that does not exist."""
        at = self.committed
        return at if at is not None and not self.is_recreated and self.beginning <= at <= self._last else self.beginning

    @property
    def lag(self) -> int:
        """Return the number of records that wait for the workers, without those that retention has deleted."""
        return max(0, self.end - self.reached)

    @property
    def problem(self) -> str:
        """Return what is wrong with the committed offset, as a sentence; empty if nothing is."""
        if self.is_recreated:
            return (
                f"the topic was deleted and recreated since offset {self.committed:,} was committed; workers read it "
                "from its beginning"
            )
        if self.committed is None or self.beginning <= self.committed <= self._last:
            return ""
        if self.committed > self._last:
            return (
                f"offset {self.committed:,} is committed, and the partition ends at {self.end:,}: the topic was "
                "deleted and recreated, or has lost its newest records; workers read it again from its beginning"
            )
        return (
            f"{self.beginning - self.committed:,} records were deleted before they were read (offset "
            f"{self.committed:,} is committed, and the partition begins at {self.beginning:,}): retention is shorter "
            "than the workers were behind"
        )

    @property
    def _last(self) -> int:
        """Return the greatest offset that can be committed: workers of former versions read open transactions too."""
        return max(self.end, self.high_watermark)
