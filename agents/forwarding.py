"""Forward records of the turns topic to the partition that their session belongs in."""

import logging
from collections.abc import Sequence

from agents.producer import OutgoingMessage, RetryingProducer
from pipeline.materialise.turn_records import Stray
from pipeline.metrics.worker import WorkerMetrics
from schemas.dead_letter import Headers
from schemas.topics import FORWARDED, times_forwarded

HEADER_BYTES = 16_384
"""Bytes of headers that are forwarded with a record; larger headers are dropped, or the record might not fit."""

log = logging.getLogger(__name__)


class Forwarder:
    """Forwards strays. An offset is committed only once the record is in the partition that it belongs in."""

    def __init__(self, topic: str, producer: RetryingProducer, metrics: WorkerMetrics) -> None:
        """Forward within `topic`."""
        self._topic, self._producer, self._metrics = topic, producer, metrics
        self._warned = False

    async def forward(self, strays: Sequence[Stray]) -> list[Stray]:
        """Send all strays and wait until Kafka has them; return those that it refuses permanently.

        A retry may send a record twice, which the fold tolerates.
        """
        if not strays:
            return []
        refused = set(await self._producer.send_accepted([self._message(stray) for stray in strays]))
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
