"""Make dead letters of damaged record batches, and define the interface that stores dead letters."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.routing import ConsumedRecord, dead_letter
from pipeline.kafka.batches.damage import damage_of
from pipeline.runtime.errors import InvalidEventError
from schemas.dead_letter import DeadLetter


class DeadLetterSink(Protocol):
    """Stores dead letters. Implementations retry until they are stored."""

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Return once all `letters` are stored; a second call may store them twice."""


class FetchedRecord(ConsumedRecord, Protocol):
    """A record that a Kafka client has fetched."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """Names and values."""


def dead_letter_of_batch(record: FetchedRecord, decoder: EventDecoder, step: str) -> DeadLetter | None:
    """Return the dead letter of the damaged batch that `record` stands for; None for an ordinary record."""
    damage = damage_of(record)
    if damage is None:
        return None
    invalid = InvalidEventError(damage.reason, damage.detail)
    letter = dead_letter(record, *decoder.redact_dead_letter(invalid, record.value or b""), step)
    return msgspec.structs.replace(letter, last_offset=damage.last_offset)
