"""A record that carries the damage of a batch becomes the dead letter of the whole batch."""

from collections.abc import Sequence

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.kafka.batches.damage import HEADER, Damage
from pipeline.materialise.dead_letters import dead_letter_of_batch
from pipeline.runtime.errors import Reason

DECODER = EventDecoder.of(Settings())


class Record(msgspec.Struct):
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()
    topic: str = "turns"
    partition: int = 3
    offset: int = 7


def test_an_ordinary_record_is_no_damaged_batch() -> None:
    assert dead_letter_of_batch(Record(b"{}", [("trace", b"1")]), DECODER, "conversations") is None


def test_the_dead_letter_has_the_offsets_and_bytes_of_the_batch() -> None:
    damage = Damage(next(iter(Reason)), "checksum differs", 7, 9)
    record = Record(b"batch", [(HEADER, msgspec.json.encode(damage))])
    letter = dead_letter_of_batch(record, DECODER, "conversations")
    assert letter is not None
    assert (letter.topic, letter.partition, letter.offset, letter.last_offset) == ("turns", 3, 7, 9)
    assert (letter.reason, letter.detail, letter.step) == (damage.reason, "checksum differs", "conversations")
    assert letter.payload == b"batch"
