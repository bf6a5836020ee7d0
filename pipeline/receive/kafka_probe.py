"""Find out whether Kafka answers and has all topics, at most once a second."""

import asyncio
import time

from pipeline.kafka.producer.deliveries import DeliveryProducer

SECONDS = 3.0
"""Seconds that Kafka has to answer."""
FRESH_SECONDS = 1.0
"""Seconds for which a result is reused."""


class KafkaProbe:
    """Probes Kafka for `/readyz`, however many ask."""

    def __init__(self, producer: DeliveryProducer) -> None:
        self._producer = producer
        self._running: asyncio.Task[str] | None = None
        self._finished = 0.0

    async def problem(self) -> str:
        """Return the problem as of less than `FRESH_SECONDS` ago; empty if there is none."""
        if self._running is None or (self._running.done() and time.monotonic() - self._finished >= FRESH_SECONDS):
            self._running = asyncio.create_task(self._probe())
        running = self._running
        await asyncio.wait([running])  # a caller who leaves must not cancel it for the others
        return running.result()

    async def _probe(self) -> str:
        try:
            return await asyncio.to_thread(self._producer.problem, SECONDS)
        finally:
            self._finished = time.monotonic()
