"""Forward records of the turns topic to the partition that their session belongs in."""

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
"""Number of times that a record is forwarded at most. Workers of one group place sessions alike, so a record is only
forwarded again if partitions were added meanwhile, or if two groups with different settings read the topic, which would
never end."""

HEADER_BYTES = 16_384
"""Bytes of headers that are forwarded with a record; larger headers are dropped, or the record might not fit."""

Placing = Callable[[], Placement | None]
"""Returns the current placement of sessions; None before partitions are assigned."""

log = logging.getLogger(__name__)


class Forwardable(ConsumedRecord, Protocol):
    """The attributes of a Kafka record that forwarding needs."""

    timestamp: int
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Stray:
    """A turn that is in another partition than its session belongs in, with its payload and record."""

    turn: Turn
    payload: bytes
    record: Forwardable
    partition: int
    """The partition that it belongs in."""


def stray_of(record: Forwardable, turn: Turn, payload: bytes, partition: int) -> Stray | None:
    """Return the stray of a record that belongs in `partition`; None if it was already forwarded too often."""
    if times_forwarded(record.headers) >= MOST_TIMES:
        return None
    return Stray(turn, payload, record, partition)


class Forwarder:
    """Forwards strays. An offset is committed only once the record is in the partition that it belongs in."""

    def __init__(self, topic: str, sender: RetryingProducer, metrics: WorkerMetrics) -> None:
        """Forward within `topic`."""
        self._topic, self._sender, self._metrics = topic, sender, metrics
        self._warned = False

    async def forward(self, strays: Sequence[Stray]) -> list[Stray]:
        """Send all strays and wait until Kafka has them; return those that it refuses permanently.

        A retry may send a record twice, which the fold tolerates.
        """
        if not strays:
            return []
        refused = set(await self._sender.send_accepted([self._message(stray) for stray in strays]))
        self._metrics.misplaced(forwarded=len(strays) - len(refused), kept=len(refused))
        if not self._warned:
            self._warned = True
            first = strays[0]
            log.warning(
                "records of topic %s are in partitions that their sessions do not belong in, such as one in partition "
                "%d that belongs in %d; they are forwarded, which is logged once and counted by "
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
