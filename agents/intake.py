"""Records of the raw topic in; keyed log entries on the turns topic and dead letters out, then acknowledged."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

from agents.consumer.fetches import Fetched, letter_of_batch
from agents.forwarding import Placing
from agents.producer import OutgoingMessage, RetryingProducer, dead_letter_message
from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.ingest.routing import RoutedEntry, dead_letter, sort_record
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.errors import InvalidEventError, Reason
from schemas.dead_letter import DeadLetter

STEP = "intake"
HELD_BYTES = 32 * 1024 * 1024
"""What the records of a batch unpack to is held up to here, and what one more record may unpack to."""


class Found(NamedTuple):
    """What is inside of a record, at that place in it."""

    inside: RoutedEntry | DeadLetter
    record: Fetched
    place: int


class Intake:
    """What the intake agent does with a batch; run again on the same batch it only sends duplicates."""

    def __init__(
        self, settings: Settings, sender: RetryingProducer, metrics: WorkerMetrics, limit: DlqLimit, placing: Placing
    ) -> None:
        """`placing` tells where sessions belong."""
        self._settings = settings
        self._sender = sender
        self._metrics = metrics
        self._limit = limit
        self._reading = EventDecoder.of(settings)
        self._placing = placing

    async def __call__(self, records: Sequence[Fetched]) -> None:
        """Pass on what `records` hold; return once Kafka has it.

        Raises:
            PoisonError: too many of the last inputs were no log entries.
        """
        found: list[Found] = []
        held = 0
        for record in records:
            inside = list(self._sort(record))
            self._limit.check(_mostly_dead(inside), 1)
            found += (Found(one, record, place) for place, one in enumerate(inside))
            held += sum(map(_size, inside))
            if held >= HELD_BYTES:
                await self._pass_on(found)
                found, held = [], 0
        await self._pass_on(found)

    async def _pass_on(self, found: Sequence[Found]) -> None:
        replaced = await self._sender.send([self._message(one) for one in found])
        letters = [one.inside for one in found if isinstance(one.inside, DeadLetter)]
        too_large = [
            self._too_large(found[place]) for place in replaced if isinstance(found[place].inside, RoutedEntry)
        ]
        self._metrics.dead("intake", [*letters, *too_large])

    def _sort(self, record: Fetched) -> Iterable[RoutedEntry | DeadLetter]:
        letter = letter_of_batch(record, self._reading, STEP)
        return [letter] if letter else sort_record(record, self._reading, STEP)

    def _message(self, found: Found) -> OutgoingMessage:
        entry = found.inside
        if isinstance(entry, DeadLetter):
            return dead_letter_message(entry, self._settings)
        placement = self._placing()
        partition = None if placement is None else placement.partition_of(entry.session_id)
        letter = partial(self._instead, found)
        return OutgoingMessage(
            self._settings.topic_turns, entry.session_id.encode(), entry.raw, [], partition, instead=letter
        )

    def _instead(self, found: Found) -> OutgoingMessage:
        return dead_letter_message(self._too_large(found), self._settings)

    def _too_large(self, found: Found) -> DeadLetter:
        """The dead letter of a log entry that is one, and that the turns topic does not take."""
        raw = found.inside.raw if isinstance(found.inside, RoutedEntry) else b""
        what = f"{len(raw)} bytes and their key, which topic {self._settings.topic_turns} does not take in one message"
        return dead_letter(found.record, InvalidEventError(Reason.TOO_LARGE, what), raw, STEP, found.place)


def _mostly_dead(inside: Sequence[RoutedEntry | DeadLetter]) -> list[tuple[int, DeadLetter]]:
    """The message, as one dead input, if more than half of what it holds is dead: its sender may have sent one."""
    letters = [one for one in inside if isinstance(one, DeadLetter)]
    return [(0, letters[0])] if 2 * len(letters) > len(inside) else []


def _size(found: RoutedEntry | DeadLetter) -> int:
    return len(found.payload if isinstance(found, DeadLetter) else found.raw)
