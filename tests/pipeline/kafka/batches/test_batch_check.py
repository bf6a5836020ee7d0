"""A batch is decompressed within its limits, or replaced by a record that says why it cannot be read."""

from collections.abc import Iterator

import pytest
from aiokafka.record.memory_records import MemoryRecords as AiokafkaRecords
from kafka.record import MemoryRecords

from pipeline.kafka.batches.batch_check import BATCH_BYTES, LARGE, RECORDS, check_batch
from pipeline.kafka.batches.damage import damage_of
from pipeline.kafka.batches.record_batch import CONTROL, build_batch, empty_header, encode_record
from pipeline.kafka.batches.record_parser import HEADERS
from pipeline.runtime.errors import Reason
from tests.effort import IN_SEARCH
from tests.pipeline.kafka.batches.checked_fetches import GOOD, check, decoded, records
from tests.pipeline.kafka.record_batches import CODECS, DAMAGED, at, batch_of
from tests.pipeline.kafka.unusual_records import TIME, around


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_is_unpacked(codec: str) -> None:
    assert [value for _, value, _ in records(check(batch_of(GOOD * 200, codec)))] == GOOD * 200


@pytest.mark.parametrize("codec", ["gzip", "lz4", "zstd"])
def test_a_batch_that_decompresses_to_too_much_is_reported_and_not_held(codec: str) -> None:
    bomb = batch_of([bytes(1_000_000)] * (BATCH_BYTES // 1_000_000 + 2), codec)
    ((_, value, damage),) = records(check(bomb))
    assert damage
    assert damage.reason is Reason.TOO_LARGE
    assert value == bomb


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_batch_becomes_one_record_from_the_requested_offset_to_its_end(kind: str) -> None:
    batch = at(3, DAMAGED[kind])
    (record,) = MemoryRecords(check_batch(batch, 4, 6, decoded)).next_batch()
    damage = damage_of(record)
    assert damage
    assert (record.offset, record.value) == (4, batch)
    assert (damage.reason, damage.offset, damage.last_offset) == (Reason.CORRUPT_BATCH, 4, 5)


def test_transaction_markers_pass_unchanged() -> None:
    header = empty_header(0, 0, TIME)
    marker = build_batch(header._replace(attributes=CONTROL, records=1), encode_record(b"marker", []))
    assert check_batch(marker, 0, None, decoded) is marker


@pytest.mark.parametrize(("following", "last_offset"), [(None, 3), (9, 8)])
def test_without_a_header_only_the_next_batch_says_where_the_damage_ends(
    following: int | None, last_offset: int
) -> None:
    (record,) = MemoryRecords(check_batch(at(3, b"?" * 80), 3, following, decoded)).next_batch()
    damage = damage_of(record)
    assert damage
    assert (damage.detail, damage.last_offset) == ("the record batch has no valid header", last_offset)


@IN_SEARCH
def test_the_headers_of_a_large_batch_are_cut_before_a_client_decodes_it() -> None:
    batch = around(encode_record(b"x", [("", None)] * 3_000_000, None, 1), GOOD)
    decodings = []

    def decode(plain: bytes) -> Iterator[tuple[int, int, int]]:
        decodings.append(len(plain))
        return ((one.offset, one.timestamp, len(one.headers)) for one in AiokafkaRecords(plain).next_batch())

    raw = check_batch(batch, 0, None, decode)
    assert len(decodings) == 1, "only the repaired batch is decoded"
    assert [len(one.headers) for one in AiokafkaRecords(raw).next_batch()] == [0, HEADERS, 0]


def test_a_large_batch_is_decoded_in_pieces_and_passes_unchanged() -> None:
    batch = batch_of([bytes(1_000_000)] * 10)
    decodings: list[bytes] = []

    def decode(plain: bytes) -> Iterator[tuple[int, int, int]]:
        decodings.append(plain)
        return decoded(plain)

    assert check_batch(batch, 0, None, decode) is batch
    assert len(decodings) > 1
    assert max(map(len, decodings)) < LARGE
    found = [record.offset for plain in decodings for record in AiokafkaRecords(plain).next_batch()]
    assert found == [*range(10)]


@pytest.mark.parametrize("place", [0, 4, 9])
def test_in_any_piece_of_a_large_batch_a_record_that_cannot_be_decoded_is_replaced(place: int) -> None:
    """The fifth, at the border of two, has the offset of the record before it."""
    deltas = [max(0, number - 1) if number == place else number for number in range(10)]
    deltas[0] = 20 if place == 0 else 0
    content = b"".join(encode_record(bytes(1_000_000), [], None, delta) for delta in deltas)
    batch = build_batch(empty_header(0, 9, TIME)._replace(records=10), content)
    found = list(AiokafkaRecords(check_batch(batch, 0, None, decoded)).next_batch())
    assert [record.offset for record in found] == [*range(10)]
    assert [number for number, record in enumerate(found) if damage_of(record)] == [place]


def test_a_batch_of_too_many_records_is_not_decoded() -> None:
    smallest = encode_record(None, [])
    batch = build_batch(empty_header(0, RECORDS, TIME)._replace(records=RECORDS + 1), smallest * (RECORDS + 1))
    (record,) = MemoryRecords(check_batch(batch, 0, None, decoded)).next_batch()
    damage = damage_of(record)
    assert damage
    assert (damage.reason, damage.last_offset) == (Reason.TOO_LARGE, RECORDS)
