"""Make of each batch one that any client can decode: unpacked, or replaced by a record that says why it is not."""

from collections.abc import Callable, Iterable

from pipeline.kafka.batches.codecs import OversizedError, decompress
from pipeline.kafka.batches.damage import Damage, damaged_batch
from pipeline.kafka.batches.legacy import convert_legacy
from pipeline.kafka.batches.record_batch import (
    HEADER,
    MAGIC_PLACE,
    BatchHeader,
    base_offset,
    build_batch,
    checksum_matches,
    has_plausible_length,
    is_legacy,
    parse_header,
)
from pipeline.kafka.batches.record_parser import HEADERS
from pipeline.kafka.batches.repair import is_valid_timestamp, repair_batch
from pipeline.kafka.connectivity import reason
from pipeline.runtime.errors import DETAIL_LENGTH, Reason

BATCH_BYTES = 64 * 1024 * 1024
"""What one batch may unpack to: Kafka bounds only what is packed, and 4 MB can hold 4 GB."""
RECORDS = 250_000
"""Records that one batch may have: the least has seven bytes, and to a client fifty times as many."""
LARGE = 4 * 1024 * 1024
"""From here on a batch is looked at record by record first: its headers are bounded before a client makes them."""

Decode = Callable[[bytes], Iterable[tuple[int, int, int]]]
"""Decodes a batch as the client will do it, and tells offset, timestamp and number of headers of each record."""


class DamagedBatchError(Exception):
    """The batch cannot be read, and never will be."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail[:DETAIL_LENGTH]
        super().__init__(detail)


def check_batch(batch: bytes, requested: int, following: int | None, decode: Decode) -> bytes:
    """The batch, unpacked; or what stands for its offsets from `requested` on, where it cannot be read.

    `following` is where the next batch begins, None where this one is the last of its fetch.
    """
    header = parse_header(batch)
    try:
        return _readable(batch, header, decode)
    except DamagedBatchError as wrong:
        first = max(base_offset(batch), requested)
        last = max(first, _last(batch, header, following))
        return damaged_batch(Damage(wrong.reason, wrong.detail, first, last), batch)


def _readable(batch: bytes, header: BatchHeader | None, decode: Decode) -> bytes:
    if is_legacy(batch):
        return _modern(batch)
    if header is None:
        raise DamagedBatchError(Reason.CORRUPT_BATCH, "the record batch has no header that Kafka knows")
    if not checksum_matches(batch, header):
        raise DamagedBatchError(Reason.CORRUPT_BATCH, "the record batch fails its CRC check")
    if header.control:
        return batch
    if header.records > RECORDS:
        raise DamagedBatchError(Reason.TOO_LARGE, f"the record batch has {header.records} records, more than {RECORDS}")
    plain = _unpacked(batch, header) if header.codec else batch
    if len(plain) < LARGE and _wrong(plain, header, decode) is None:
        return plain
    better = repair_batch(plain, header) or plain
    if wrong := _wrong(better, header, decode):
        raise DamagedBatchError(Reason.CORRUPT_BATCH, f"the record batch cannot be decoded: {wrong}")
    return better


def _wrong(plain: bytes, header: BatchHeader, decode: Decode) -> str | None:
    """What is wrong with the records, None where nothing is."""
    before = header.base_offset - 1
    try:
        for offset, timestamp, headers in decode(plain):
            if not before < offset <= header.last_offset:
                return "the records' offsets are not those of their batch"
            if headers > HEADERS or not is_valid_timestamp(timestamp):
                return "a record has too many headers, or a time before 1970 or after the year 9999"
            before = offset
    except Exception as wrong:  # noqa: BLE001 - each library has errors of its own
        return reason(wrong)
    return None


def _modern(message: bytes) -> bytes:
    what = f"a message of format {message[MAGIC_PLACE]}, from before Kafka 0.11"
    try:
        return convert_legacy(message, BATCH_BYTES)
    except OversizedError:
        raise DamagedBatchError(Reason.TOO_LARGE, f"{what}, decompresses to more than {BATCH_BYTES} bytes") from None
    except Exception as wrong:  # as above
        raise DamagedBatchError(Reason.CORRUPT_BATCH, f"{what}, cannot be read: {reason(wrong)}") from wrong


def _unpacked(batch: bytes, header: BatchHeader) -> bytes:
    try:
        return build_batch(header, decompress(header.codec, batch[HEADER.size :], BATCH_BYTES))
    except OversizedError:
        what = f"the record batch has {len(batch)} bytes and decompresses to more than {BATCH_BYTES}"
        raise DamagedBatchError(Reason.TOO_LARGE, what) from None
    except Exception as wrong:  # each library has errors of its own
        raise DamagedBatchError(
            Reason.CORRUPT_BATCH, f"the record batch cannot be decompressed: {reason(wrong)}"
        ) from wrong


def _last(batch: bytes, header: BatchHeader | None, following: int | None) -> int:
    """The last offset of a damaged batch: what its header says, if that can be, else what the next batch leaves.

    Where nothing is known of it, it has one offset: none of the records behind it may be skipped.
    """
    base = base_offset(batch)
    if header and has_plausible_length(batch, header) and (following is None or header.last_offset < following):
        return header.last_offset
    return base if following is None else following - 1
