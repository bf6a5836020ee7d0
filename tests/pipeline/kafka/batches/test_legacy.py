"""Messages from before Kafka 0.11 are read within the limits of today's batches, or reported with their format."""

import pytest
from kafka.record import MemoryRecordsBuilder

from pipeline.kafka.batches.batch_check import BATCH_BYTES
from pipeline.kafka.batches.record_batch import parse_header
from pipeline.runtime.errors import Reason
from tests.pipeline.kafka.batches.checked_fetches import check, records
from tests.pipeline.kafka.record_batches import CODECS, at

VALUES = [b"old %d" % number for number in range(3)]
KINDS = [(0, "none"), (0, "gzip"), (0, "snappy"), *((1, codec) for codec in CODECS if codec != "zstd")]


def message_of(number: int, codec: str, values: list[bytes]) -> bytes:
    builder = MemoryRecordsBuilder(number, CODECS[codec], 1 << 30)
    for place, value in enumerate(values):
        assert builder.append(1_700_000_000_000 + place, b"key", value)
    builder.close()
    return at(len(values) - 1 if codec != "none" else 0, bytes(builder.buffer()))


@pytest.mark.parametrize(("number", "codec"), KINDS)
def test_old_messages_are_read_as_a_batch_of_today(number: int, codec: str) -> None:
    raw = check(message_of(number, codec, VALUES))
    assert [(offset, value, damage) for offset, value, damage in records(raw)] == [
        (place, value, None) for place, value in enumerate(VALUES)
    ]
    assert parse_header(raw)


def test_offsets_inside_a_legacy_message_are_derived_from_its_own() -> None:
    last = at(12, message_of(1, "gzip", VALUES))
    assert [offset for offset, _, _ in records(check(last, requested=10))] == [10, 11, 12]


@pytest.mark.parametrize(("number", "codec"), [(0, "gzip"), (1, "gzip"), (1, "lz4")])
def test_an_oversized_legacy_message_is_reported_with_its_format(number: int, codec: str) -> None:
    bomb = message_of(number, codec, [bytes(1_000_000)] * (BATCH_BYTES // 1_000_000 + 2))
    ((_, value, damage),) = records(check(bomb))
    assert damage
    assert damage.reason is Reason.TOO_LARGE
    assert f"format {number}, from before Kafka 0.11" in damage.detail
    assert value == bomb


@pytest.mark.parametrize("place", [20, 24, 30, -1])
@pytest.mark.parametrize(("number", "codec"), [(0, "none"), (1, "gzip")])
def test_a_damaged_legacy_message_is_reported_with_its_format(number: int, codec: str, place: int) -> None:
    damaged = bytearray(message_of(number, codec, VALUES[:1]))
    damaged[place] ^= 1
    ((_, _, damage),) = records(check(bytes(damaged)))
    assert damage
    assert damage.reason is Reason.CORRUPT_BATCH
    assert f"format {number}" in damage.detail
