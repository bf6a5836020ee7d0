"""Check what a fetch has brought before a Kafka client decodes it: gaps, damage, and how much it unpacks to.

Clients end or read the same for ever where a batch is damaged, step over offsets that a broker does not show yet, and
unpack whatever they are given. So each answer of a broker passes here on its way into aiokafka and into kafka-python.
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
"""What the batches of one partition that are held at a time may unpack to, where they are more than one."""


class FetchCheck:
    """Checks the answers to one client's fetches."""

    def __init__(self, decode: Decode, gaps: Gaps | None = None) -> None:
        self._decode = decode
        self._gaps = gaps or Gaps()
        self._told: dict[Partition, tuple[bytes, int]] = {}
        """How the last batch whose end is unknown begins, and the offset from which on there is a letter of it."""

    def __call__(self, partition: Partition, requested: int, raw: bytes) -> bytes:
        """Make of `raw`, which was fetched from offset `requested` on, batches that the client can decode.

        What is left out is fetched again: what lies behind a new jump, and what would unpack to too much.
        """
        sent = list(split_batches(raw)) or [raw] * bool(raw)  # of one that is not whole no client makes anything
        batches = [batch for batch, _ in groupby(sent)]  # a broker may send one once for each offset that it claims
        kept = self._gaps.before_jump(partition, requested, batches)
        followed = [*map(base_offset, batches[1:]), _behind(batches, next_base_offset(raw, sent))]
        checked = list(_bounded(self._checked(partition, requested, kept, followed)))
        unchanged = len(checked) == len(sent) and all(map(_is, checked, sent))
        return raw if unchanged else b"".join(checked)

    def _checked(
        self, partition: Partition, requested: int, batches: Sequence[bytes], followed: Sequence[int | None]
    ) -> Iterator[bytes]:
        """The batches; `followed` is the base offset of what comes behind each of them, and behind more of them.

        One that does not tell where it ends is left out where a later fetch may tell what follows it.
        """
        for place, (batch, following) in enumerate(zip(batches, followed, strict=False)):
            if place + 1 == len(batches) and has_unknown_end(batch):
                if len(batches) < len(followed) or (place and following is None):
                    return
                if following is None and self._was_told(partition, requested, batch):
                    yield build_batch(empty_header(requested, requested, 0), b"")
                    return
            yield check_batch(batch, requested, following, self._decode)

    def _was_told(self, partition: Partition, requested: int, batch: bytes) -> bool:
        """Whether there is a letter already of this batch from before offset `requested` on."""
        beginning = batch[: HEADER.size]
        known, first = self._told.get(partition, (None, 0))
        if known == beginning and requested > first:
            return True
        self._told[partition] = beginning, requested
        return False


def _bounded(batches: Iterator[bytes]) -> Iterator[bytes]:
    """The first of the batches, and as many others as may be held."""
    held = 0
    for batch in batches:
        held += len(batch)
        if held > HELD_BYTES and held > len(batch):
            return
        yield batch


def _behind(batches: Sequence[bytes], offset: int | None) -> int | None:
    """The offset, if it lies behind that of the last batch, which may be sent again itself."""
    return offset if batches and offset is not None and offset > base_offset(batches[-1]) else None


def _is(one: bytes, other: bytes) -> bool:
    return one is other
