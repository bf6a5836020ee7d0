"""Send records of the turns topic on to the partition that their session belongs in."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from agents.producer import OutgoingMessage, RetryingProducer
from pipeline.ingest.routing import ConsumedRecord
from pipeline.kafka.placement import Placement
from pipeline.metrics.worker import WorkerMetrics
from schemas.dead_letter import Headers
from schemas.topics import FORWARDED, times_forwarded
from schemas.turn import Turn

MOST_TIMES = 8
"""Times that a record is sent on. Workers of one group place sessions alike, so each time means that partitions were
added meanwhile, or that two groups with other settings read the topic, which would never end."""

HEADER_BYTES = 16_384
"""Headers of a record that go on with it; what has more goes without them, lest it no longer fit."""

Placing = Callable[[], Placement | None]
"""Tells the placement that holds now; None before partitions are assigned."""

log = logging.getLogger(__name__)


class Forwardable(ConsumedRecord, Protocol):
    """What is needed of a Kafka record."""

    timestamp: int
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Stray:
    """A turn that was found in a partition its session does not belong in, with what is kept of its record."""

    turn: Turn
    payload: bytes
    record: Forwardable
    partition: int
    """The one that it belongs in."""


def stray_of(record: Forwardable, turn: Turn, payload: bytes, partition: int) -> Stray | None:
    """Build the stray of a record that belongs in `partition`; None where it was sent on too often already."""
    if times_forwarded(record.headers) >= MOST_TIMES:
        return None
    return Stray(turn, payload, record, partition)


class Forwarder:
    """Forwards strays: an offset is committed only once what was found there is where it belongs."""

    def __init__(self, topic: str, sender: RetryingProducer, metrics: WorkerMetrics) -> None:
        """Forward within `topic`."""
        self._topic, self._sender, self._metrics = topic, sender, metrics
        self._said = False

    async def forward(self, strays: Sequence[Stray]) -> list[Stray]:
        """Return once Kafka has all strays but those that it refuses for good, which are returned.

        A second try may send a record twice, which the fold does not mind.
        """
        if not strays:
            return []
        refused = set(await self._sender.send_accepted([self._message(one) for one in strays]))
        self._metrics.misplaced(forwarded=len(strays) - len(refused), kept=len(refused))
        if not self._said:
            self._said = True
            first = strays[0]
            log.warning(
                "records of topic %s lie in partitions that their sessions do not belong in, such as one in partition "
                "%d that belongs in %d; they are forwarded, which is said once and counted by "
                "turnfold_misplaced_total: a producer does not place keys as TURNFOLD_PARTITIONER does, or partitions "
                "were added",
                self._topic,
                first.record.partition,
                first.partition,
            )
        return [strays[place] for place in sorted(refused)]

    def _message(self, stray: Stray) -> OutgoingMessage:
        record = stray.record
        times = times_forwarded(record.headers) + 1
        others: Headers = [(name, value) for name, value in record.headers if name != FORWARDED]
        if sum(len(name) + len(value or b"") for name, value in others) > HEADER_BYTES:
            others = []
        headers = [*others, (FORWARDED, b"%d" % times)]
        key = stray.turn.session_id.encode()
        return OutgoingMessage(self._topic, key, stray.payload, headers, stray.partition, record.timestamp)
