"""Check what was fetched before a Kafka client decodes it: gaps, damage and decompressed size.

At a damaged batch, clients stop or read the same batch forever; they skip offsets that a broker does not show yet, and
decompress whatever they receive. So each response of a broker passes through here on its way into aiokafka and
kafka-python.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from pipeline.kafka.batches.batch_check import Decode, check_batch
from pipeline.kafka.batches.gaps import Gaps, Partition
from pipeline.kafka.batches.record_batch import (
    HEADER,
    base_offset,
    build_batch,
    empty_header,
    has_unknown_end,
    next_base_offset,
    split_batches,
)

HELD_BYTES = 32 * 1024 * 1024
"""Bytes that batches of one partition may decompress to at a time, if they are more than one."""


class FetchCheck:
    """Checks the fetch responses of one client."""

    def __init__(self, decode: Decode, gaps: Gaps | None = None) -> None:
        self._decode = decode
        self._gaps = gaps or Gaps()
        self._reported: dict[Partition, tuple[bytes, int]] = {}
        """Per partition: header of the last batch with an unknown end, and first offset that its dead letter covers."""

    def __call__(self, partition: Partition, requested: int, raw: bytes) -> bytes:
        """Turn `raw`, which was fetched from offset `requested` on, into batches that the client can decode.

        What is left out is fetched again: batches after a new jump, and batches that would decompress to too much.
        """
        sent = list(split_batches(raw)) or [raw] * bool(raw)  # clients ignore an incomplete batch
        batches = [batch for batch, _ in groupby(sent)]  # a broker may repeat one per offset
        kept = self._gaps.before_jump(partition, requested, batches)
        followed = [*map(base_offset, batches[1:]), _if_after(batches, next_base_offset(raw, sent))]
        checked = list(_bounded(self._checked(partition, requested, kept, followed)))
        unchanged = len(checked) == len(sent) and all(map(_is_same, checked, sent))
        return raw if unchanged else b"".join(checked)

    def _checked(
        self, partition: Partition, requested: int, batches: Sequence[bytes], followed: Sequence[int | None]
    ) -> Iterator[bytes]:
        """Yield the checked batches; `followed` has the base offset of what follows each batch.

        A last batch with an unknown end is left out if a later fetch may show what follows it.
        """
        for index, (batch, following) in enumerate(zip(batches, followed, strict=False)):
            if index + 1 == len(batches) and has_unknown_end(batch):
                if len(batches) < len(followed) or (index and following is None):
                    return
                if following is None and self._is_reported(partition, requested, batch):
                    yield build_batch(empty_header(requested, requested, 0), b"")
                    return
            yield check_batch(batch, requested, following, self._decode)

    def _is_reported(self, partition: Partition, requested: int, batch: bytes) -> bool:
        """Return whether a dead letter from before offset `requested` covers this batch already."""
        header = batch[: HEADER.size]
        known, first = self._reported.get(partition, (None, 0))
        if known == header and requested > first:
            return True
        self._reported[partition] = header, requested
        return False


def _bounded(batches: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the first batch, and as many more as may be held."""
    held = 0
    for batch in batches:
        held += len(batch)
        if held > HELD_BYTES and held > len(batch):
            return
        yield batch


def _if_after(batches: Sequence[bytes], offset: int | None) -> int | None:
    """Return the offset if it is after that of the last batch, which may itself be sent again; else None."""
    return offset if batches and offset is not None and offset > base_offset(batches[-1]) else None


def _is_same(left: bytes, right: bytes) -> bool:
    return left is right
