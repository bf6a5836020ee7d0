"""Check what a fetch has brought before a Kafka client decodes it: gaps, damage, and how much it unpacks to.

Clients end or read the same for ever where a batch is damaged, step over offsets that a broker does not show yet, and
unpack whatever they are given. So each answer of a broker passes here on its way into aiokafka and into kafka-python.
"""

from collections.abc import Iterator, Sequence

from pipeline.kafka.batch_check import Offsets, check_batch
from pipeline.kafka.gaps import Gaps, Partition
from pipeline.kafka.record_batch import base_offset, split

HELD_BYTES = 32 * 1024 * 1024
"""What the batches of one partition that are held at a time may unpack to, where they are more than one."""


class FetchCheck:
    """Checks the answers to one client's fetches."""

    def __init__(self, offsets: Offsets, gaps: Gaps | None = None) -> None:
        self._offsets = offsets
        self._gaps = gaps or Gaps()

    def __call__(self, partition: Partition, requested: int, raw: bytes) -> bytes:
        """Make of `raw`, which was fetched from offset `requested` on, batches that the client can decode.

        What is left out is fetched again: what lies behind a new jump, and what would unpack to too much.
        """
        batches = list(split(raw)) or [raw] * bool(raw)  # of one that is not whole no client makes anything
        kept = self._gaps.before_jump(partition, requested, batches)
        checked = list(_bounded(self._checked(kept, requested)))
        unchanged = len(checked) == len(batches) and all(map(_is, checked, batches))
        return raw if unchanged else b"".join(checked)

    def _checked(self, batches: Sequence[bytes], requested: int) -> Iterator[bytes]:
        for place, batch in enumerate(batches):
            following = base_offset(batches[place + 1]) if place + 1 < len(batches) else None
            yield check_batch(batch, requested, following, self._offsets)


def _bounded(batches: Iterator[bytes]) -> Iterator[bytes]:
    """The first of the batches, and as many others as may be held."""
    held = 0
    for batch in batches:
        held += len(batch)
        if held > HELD_BYTES and held > len(batch):
            return
        yield batch


def _is(one: bytes, other: bytes) -> bool:
    return one is other
