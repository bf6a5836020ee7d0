"""Make of each batch one that any client can decode: unpacked, or replaced by a record that says why it is not."""

from collections.abc import Callable, Iterable
from itertools import pairwise

from pipeline.errors import DETAIL_LENGTH, Reason
from pipeline.kafka.codecs import OversizedError, unpack
from pipeline.kafka.damage import Damage, damaged
from pipeline.kafka.network import reason
from pipeline.kafka.record_batch import HEADER, BatchHeader, base_offset, header_of, intact, legacy, written

BATCH_BYTES = 64 * 1024 * 1024
"""What one batch may unpack to: Kafka bounds only what is packed, and 4 MB can hold 4 GB."""
LONGEST = 10_000_000
"""Offsets that a batch may have whose header cannot be trusted."""

Offsets = Callable[[bytes], Iterable[int]]
"""Decodes a batch as the client will do it, and tells the offsets of its records."""


class DamagedBatchError(Exception):
    """The batch cannot be read, and never will be."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail[:DETAIL_LENGTH]
        super().__init__(detail)


def check_batch(batch: bytes, requested: int, following: int | None, offsets: Offsets) -> bytes:
    """The batch, unpacked; or what stands for its offsets from `requested` on, where it cannot be read.

    `following` is where the next batch begins, None where this one is the last of its fetch.
    """
    header = header_of(batch)
    try:
        return _readable(batch, header, offsets)
    except DamagedBatchError as wrong:
        first = max(base_offset(batch), requested)
        last = max(first, _last(batch, header, following))
        return damaged(Damage(wrong.reason, wrong.detail, first, last), batch)


def _readable(batch: bytes, header: BatchHeader | None, offsets: Offsets) -> bytes:
    if legacy(batch):
        _decode(batch, offsets)
        return batch
    if header is None:
        raise DamagedBatchError(Reason.CORRUPT_BATCH, "the record batch has no header that Kafka knows")
    if not intact(batch, header):
        raise DamagedBatchError(Reason.CORRUPT_BATCH, "the record batch fails its CRC check")
    if header.control:
        return batch
    plain = _unpacked(batch, header) if header.codec else batch
    found = _decode(plain, offsets)
    ascending = all(before < after for before, after in pairwise(found))
    if found and not (ascending and header.base_offset <= found[0] and found[-1] <= header.last_offset):
        raise DamagedBatchError(Reason.CORRUPT_BATCH, "the records' offsets are not those of their batch")
    return plain


def _unpacked(batch: bytes, header: BatchHeader) -> bytes:
    try:
        return written(header, unpack(header.codec, batch[HEADER.size :], BATCH_BYTES))
    except OversizedError:
        what = f"the record batch has {len(batch)} bytes and decompresses to more than {BATCH_BYTES}"
        raise DamagedBatchError(Reason.TOO_LARGE, what) from None
    except Exception as wrong:  # each library has errors of its own
        raise DamagedBatchError(
            Reason.CORRUPT_BATCH, f"the record batch cannot be decompressed: {reason(wrong)}"
        ) from wrong


def _decode(batch: bytes, offsets: Offsets) -> list[int]:
    try:
        return list(offsets(batch))
    except Exception as wrong:  # as above
        raise DamagedBatchError(Reason.CORRUPT_BATCH, f"the record batch cannot be decoded: {reason(wrong)}") from wrong


def _last(batch: bytes, header: BatchHeader | None, following: int | None) -> int:
    """The last offset of a damaged batch: what its header says, if that can be, else what the next batch leaves.

    Where nothing is known of it, it has one offset: too many letters of one batch are better than a record skipped.
    """
    base = base_offset(batch)
    trusted = header and (intact(batch, header) or 0 <= header.last_offset_delta == header.records - 1 < LONGEST)
    if header and trusted and (following is None or header.last_offset < following):
        return header.last_offset
    return base if following is None else following - 1
