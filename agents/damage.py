"""Make a dead letter of the record that stands for a batch which cannot be read."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from pipeline.ingest.reading import Reading
from pipeline.ingest.sort import Record, dead_letter
from pipeline.kafka.damage import damage_of
from pipeline.runtime.errors import InvalidEventError
from schemas.dead_letter import DeadLetter


class Fetched(Record, Protocol):
    """What is needed of a record that a client has fetched."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Names and values."""


def letter_of_batch(record: Fetched, reading: Reading, step: str) -> DeadLetter | None:
    """The dead letter of the batch that the record stands for; None where it is a record as any other."""
    damage = damage_of(record)
    if damage is None:
        return None
    invalid = InvalidEventError(damage.reason, damage.detail)
    letter = dead_letter(record, *reading.letter(invalid, record.value or b""), step)
    return msgspec.structs.replace(letter, last_offset=damage.last_offset)
