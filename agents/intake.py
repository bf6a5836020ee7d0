"""Process records of the raw topic: send their log entries, keyed, to the turns topic, and the rest as dead letters."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from agents.producer import OutgoingMessage, RetryingProducer, dead_letter_message
from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.ingest.routing import RoutedEntry, dead_letter, sort_record
from pipeline.materialise.dead_letters import FetchedRecord, dead_letter_of_batch
from pipeline.materialise.turn_records import PlacementSource
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.errors import InvalidEventError, Reason
from schemas.dead_letter import DeadLetter

STEP = "intake"
CHUNK_BYTES = 32 * 1024 * 1024
"""Unpacked bytes of a batch's records that are collected before they are sent; the last record may exceed it."""


class UnpackedEntry(NamedTuple):
    """A log entry or a dead letter, the record that it was unpacked from, and its place in that record."""

    content: RoutedEntry | DeadLetter
    record: FetchedRecord
    place: int


class Intake:
    """The intake agent's processing of a batch. Processing a batch again only sends duplicates."""

    def __init__(
        self,
        settings: Settings,
        producer: RetryingProducer,
        metrics: WorkerMetrics,
        limit: DlqLimit,
        placement: PlacementSource,
    ) -> None:
        self._settings = settings
        self._producer = producer
        self._metrics = metrics
        self._limit = limit
        self._decoder = EventDecoder.of(settings)
        self._placement = placement

    async def __call__(self, records: Sequence[FetchedRecord]) -> None:
        """Send the contents of `records`; return once Kafka has them.

        Raises:
            PoisonError: too many of the last inputs were no log entries.
        """
        entries: list[UnpackedEntry] = []
        size = 0
        for record in records:
            contents = list(self._unpack(record))
            self._limit.check(_mostly_dead(contents), 1)
            entries += (UnpackedEntry(content, record, place) for place, content in enumerate(contents))
            size += sum(map(_size, contents))
            if size >= CHUNK_BYTES:
                await self._send(entries)
                entries, size = [], 0
        await self._send(entries)

    async def _send(self, entries: Sequence[UnpackedEntry]) -> None:
        replaced = await self._producer.send([self._message(entry) for entry in entries])
        letters = [entry.content for entry in entries if isinstance(entry.content, DeadLetter)]
        too_large = [
            self._too_large(entries[place]) for place in replaced if isinstance(entries[place].content, RoutedEntry)
        ]
        self._metrics.dead("intake", [*letters, *too_large])

    def _unpack(self, record: FetchedRecord) -> Iterable[RoutedEntry | DeadLetter]:
        letter = dead_letter_of_batch(record, self._decoder, STEP)
        return [letter] if letter else sort_record(record, self._decoder, STEP)

    def _message(self, entry: UnpackedEntry) -> OutgoingMessage:
        content = entry.content
        if isinstance(content, DeadLetter):
            return dead_letter_message(content, self._settings)
        placement = self._placement()
        partition = None if placement is None else placement.partition_of(content.session_id)
        instead = partial(self._dead_letter_instead, entry)
        return OutgoingMessage(
            self._settings.topic_turns, content.session_id.encode(), content.raw, [], partition, instead=instead
        )

    def _dead_letter_instead(self, entry: UnpackedEntry) -> OutgoingMessage:
        return dead_letter_message(self._too_large(entry), self._settings)

    def _too_large(self, entry: UnpackedEntry) -> DeadLetter:
        """Build the dead letter of a valid log entry that is too large for the turns topic."""
        raw = entry.content.raw if isinstance(entry.content, RoutedEntry) else b""
        detail = (
            f"{len(raw)} bytes and their key, which topic {self._settings.topic_turns} does not take in one message"
        )
        return dead_letter(entry.record, InvalidEventError(Reason.TOO_LARGE, detail), raw, STEP, entry.place)


def _mostly_dead(contents: Sequence[RoutedEntry | DeadLetter]) -> list[tuple[int, DeadLetter]]:
    """Count the record as one dead input if more than half of its contents are dead letters.

    Its producer may have sent it as one input.
    """
    letters = [content for content in contents if isinstance(content, DeadLetter)]
    return [(0, letters[0])] if 2 * len(letters) > len(contents) else []


def _size(content: RoutedEntry | DeadLetter) -> int:
    return len(content.payload if isinstance(content, DeadLetter) else content.raw)
