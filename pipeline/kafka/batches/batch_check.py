"""Turn each record batch into one that any client can decode.

A batch is decompressed, or replaced by a record that says why it cannot be read.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from pipeline.kafka.batches.codecs import OversizedError, decompress
from pipeline.kafka.batches.damage import Damage, damaged_batch
from pipeline.kafka.batches.legacy import convert_legacy
from pipeline.kafka.batches.record_batch import (
    HEADER,
    MAGIC_POSITION,
    BatchHeader,
    base_offset,
    build_batch,
    checksum_matches,
    has_plausible_length,
    is_legacy,
    parse_header,
)
from pipeline.kafka.batches.record_parser import HEADERS, split_records
from pipeline.kafka.batches.repair import is_valid_timestamp, repair_batch
from pipeline.kafka.client.connection import reason
from pipeline.runtime.errors import DETAIL_LENGTH, Reason

BATCH_BYTES = 64 * 1024 * 1024
"""Bytes that one batch may decompress to: Kafka limits only the compressed size, and 4 MB can hold 4 GB."""
RECORDS = 250_000
"""Records that one batch may have: the smallest has seven bytes, and takes fifty times as many in a client."""
LARGE = 4 * 1024 * 1024
"""Bytes from which a batch is not decoded at once, to limit the headers that a client builds at a time."""

Decode = Callable[[bytes], Iterable[tuple[int, int, int]]]
"""Decode a batch as the client will; yield the offset, the timestamp and the number of headers of each record."""


class DamagedBatchError(Exception):
    """The batch cannot be read, however often it is fetched."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail[:DETAIL_LENGTH]
        super().__init__(detail)


def check_batch(batch: bytes, requested: int, following: int | None, decode: Decode) -> bytes:
    """Return the decompressed batch, or a replacement for its offsets from `requested` on if it cannot be read.

    `following` is the base offset of the next batch, None if this one is the last of its fetch.
    """
    header = parse_header(batch)
    try:
        return _readable(batch, header, decode)
    except DamagedBatchError as error:
        first = max(base_offset(batch), requested)
        last = max(first, _last(batch, header, following))
        return damaged_batch(Damage(error.reason, error.detail, first, last), batch)


def _readable(batch: bytes, header: BatchHeader | None, decode: Decode) -> bytes:
    if is_legacy(batch):
        return _convert(batch)
    if header is None:
        raise DamagedBatchError(Reason.CORRUPT_BATCH, "the record batch has no valid header")
    if not checksum_matches(batch, header):
        raise DamagedBatchError(Reason.CORRUPT_BATCH, "the record batch fails its CRC check")
    if header.control:
        return batch
    if header.records > RECORDS:
        raise DamagedBatchError(
            Reason.TOO_LARGE, f"the record batch has {header.records} records; at most {RECORDS} are allowed"
        )
    decompressed = _decompressed(batch, header) if header.codec else batch
    if _wrong(_pieces(decompressed, header), header, decode) is None:
        return decompressed
    repaired = repair_batch(decompressed, header) or decompressed
    if problem := _wrong([repaired], header, decode):
        raise DamagedBatchError(Reason.CORRUPT_BATCH, f"the record batch cannot be decoded: {problem}")
    return repaired


def _pieces(batch: bytes, header: BatchHeader) -> Iterator[bytes]:
    """Yield the batch in batches of whole records that are not `LARGE`.

    Raises:
        RecordParseError: a record is as large, or cannot be parsed; nothing is yielded then.
    """
    if len(batch) < LARGE:
        yield batch
        return
    for count, records in split_records(batch[HEADER.size :], header.records, LARGE - HEADER.size - 1):
        yield build_batch(header._replace(records=count), records)


def _wrong(pieces: Iterable[bytes], header: BatchHeader, decode: Decode) -> str | None:
    """Return what is wrong with the records of a batch in `pieces`, None if nothing is."""
    previous = header.base_offset - 1
    try:
        for offset, timestamp, headers in chain.from_iterable(map(decode, pieces)):
            if not previous < offset <= header.last_offset:
                return "the offsets of its records are not within its range"
            if headers > HEADERS or not is_valid_timestamp(timestamp):
                return "a record has too many headers, or a timestamp before 1970 or after the year 9999"
            previous = offset
    except Exception as error:  # noqa: BLE001 - each library raises its own errors
        return reason(error)
    return None


def _convert(raw: bytes) -> bytes:
    message_format = f"a message of format {raw[MAGIC_POSITION]}, from before Kafka 0.11"
    try:
        return convert_legacy(raw, BATCH_BYTES)
    except OversizedError:
        raise DamagedBatchError(
            Reason.TOO_LARGE, f"{message_format}, decompresses to more than {BATCH_BYTES} bytes"
        ) from None
    except Exception as error:  # each library raises its own errors
        raise DamagedBatchError(Reason.CORRUPT_BATCH, f"{message_format}, cannot be read: {reason(error)}") from error


def _decompressed(batch: bytes, header: BatchHeader) -> bytes:
    try:
        return build_batch(header, decompress(header.codec, batch[HEADER.size :], BATCH_BYTES))
    except OversizedError:
        problem = f"the record batch has {len(batch)} bytes and decompresses to more than {BATCH_BYTES}"
        raise DamagedBatchError(Reason.TOO_LARGE, problem) from None
    except Exception as error:  # each library raises its own errors
        raise DamagedBatchError(
            Reason.CORRUPT_BATCH, f"the record batch cannot be decompressed: {reason(error)}"
        ) from error


def _last(batch: bytes, header: BatchHeader | None, following: int | None) -> int:
    """Return the last offset of a damaged batch: from its header if plausible, else from the next batch.

    If neither is known, the batch counts as one offset, so that no record after it is skipped.
    """
    base = base_offset(batch)
    if header and has_plausible_length(batch, header) and (following is None or header.last_offset < following):
        return header.last_offset
    return base if following is None else following - 1
