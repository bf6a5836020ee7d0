"""Decode records of the turns topic, and find the turns that belong in another partition."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, Self

import msgspec

from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.routing import ConsumedRecord, dead_letter
from pipeline.kafka.placement import Placement
from pipeline.materialise.dead_letters import dead_letter_of_batch
from pipeline.materialise.decoded_batch import DecodedBatch
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.errors import InvalidEventError
from schemas.dead_letter import DeadLetter
from schemas.topics import times_forwarded
from schemas.turn import ConversationKey, Turn

STEP = "conversations"

MAX_FORWARDS = 8
"""Largest number of times that a record is forwarded.

Workers of one group place sessions alike, so each time means that partitions were added meanwhile, or that two groups
with different settings read the topic, which would never end."""

PlacementSource = Callable[[], Placement | None]
"""Returns the current placement of sessions; None before partitions are assigned."""


class TurnRecord(ConsumedRecord, Protocol):
    """A Kafka record of the turns topic. `timestamp` is in milliseconds."""

    timestamp: int
    topic_id: str
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Stray:
    """A turn found in a partition that its session does not belong in, with its payload and record."""

    turn: Turn
    payload: bytes
    record: TurnRecord
    partition: int
    """The partition that it belongs in."""


def stray_of(record: TurnRecord, turn: Turn, payload: bytes, partition: int) -> Stray | None:
    """Return the stray of a record that belongs in `partition`; None if it was forwarded too often already."""
    if times_forwarded(record.headers) >= MAX_FORWARDS:
        return None
    return Stray(turn, payload, record, partition)


class DecodedRecords(DecodedBatch, kw_only=True):
    """Turns of `records` records. `sources` are the records of the turns."""

    records: int
    letters: dict[int, DeadLetter] = msgspec.field(default_factory=dict)
    """Dead letters, by the position of their record."""
    strays: list[Stray] = msgspec.field(default_factory=list)
    """Turns that belong in another partition; they are not among `turns`."""
    displaced: set[ConversationKey] = msgspec.field(default_factory=set)
    """Conversations of those `turns` that were forwarded from another partition, or should be in another one."""

    @classmethod
    def join(cls, batches: Sequence["DecodedRecords"]) -> Self:
        """Return `batches`, in their order, as one."""
        whole = cls([], [], records=0)
        for batch in batches:
            whole.turns.extend(batch.turns)
            whole.payloads.extend(batch.payloads)
            whole.sources.extend(batch.sources)
            whole.strays.extend(batch.strays)
            whole.displaced.update(batch.displaced)
            whole.letters.update((whole.records + place, letter) for place, letter in batch.letters.items())
            whole.records += batch.records
        return whole

    def with_refused(self, refused: Sequence[Stray]) -> Self:
        """Return the batch with the strays that Kafka refused among its turns, and without any others."""
        return msgspec.structs.replace(
            self,
            turns=[*self.turns, *(stray.turn for stray in refused)],
            payloads=[*self.payloads, *(stray.payload for stray in refused)],
            sources=[*self.sources, *(stray.record for stray in refused)],
            strays=[],
            displaced=self.displaced.union(stray.turn.key for stray in refused),
        )


class RecordDecoder:
    """Decodes records of the turns topic."""

    def __init__(self, decoder: EventDecoder, placement: PlacementSource, metrics: WorkerMetrics) -> None:
        self._decoder = decoder
        self._placement = placement
        self._metrics = metrics

    def __call__(self, records: Sequence[TurnRecord]) -> DecodedRecords:
        """Decode `records` of one assignment; this needs no other state, so it may run ahead of the flush."""
        decoded = DecodedRecords([], [], records=len(records))
        placement = self._placement()
        for place, record in enumerate(records):
            if record.headers and (letter := dead_letter_of_batch(record, self._decoder, STEP)):
                decoded.letters[place] = letter
                continue
            raw = record.value or b""
            try:
                turn, payload = self._decoder.decode(raw)
            except InvalidEventError as invalid:
                decoded.letters[place] = dead_letter(record, *self._decoder.redact_dead_letter(invalid, raw), STEP)
                continue
            if placement is not None and (right := placement.partition_of(turn.session_id)) != record.partition:
                if stray := stray_of(record, turn, payload, right):
                    decoded.strays.append(stray)
                    continue
                self._metrics.misplaced(kept=1)
                decoded.displaced.add(turn.key)
            elif record.headers and times_forwarded(record.headers):
                decoded.displaced.add(turn.key)
            decoded.turns.append(turn)
            decoded.sources.append(record)
            decoded.payloads.append(payload)
        return decoded
