"""Determine whether a worker still is a member of its group, even after its process was suspended.

A process that is suspended for longer than its session time-out resumes where it was, while another worker has its
partitions. It only learns so from Kafka's next response. But Kafka does not reassign a member's partitions until a
session time-out after its last request, so a member whose last request is more recent certainly still has them.
"""

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

from pipeline.runtime.clock import seconds_with_sleep

MEMBER = {NoError.errno, RebalanceInProgressError.errno}
"""Error codes that the coordinator sends to members: one that must rejoin keeps its partitions until it does."""


class Membership:
    """Tracks when the coordinator last confirmed that a consumer is a member of its group."""

    def __init__(self, consumer: AIOKafkaConsumer, clock: Callable[[], float] = seconds_with_sleep) -> None:
        """Observe all of Kafka's responses to the consumer, which is not started yet."""
        self._consumer, self._clock = consumer, clock
        self._session = consumer._session_timeout_ms / 1000  # noqa: SLF001 - no public attribute describes the group
        self._confirmed = -self._session
        client = consumer._client  # noqa: SLF001 - as above
        send = client.send

        async def observed(node_id: Any, request: Any, **options: Any) -> Any:
            sent = clock()  # Kafka's session starts when it receives the request, which is later
            response = await send(node_id, request, **options)
            if isinstance(request, HeartbeatRequest | SyncGroupRequest) and response.error_code in MEMBER:
                self._confirmed = sent
            return response

        client.send = observed

    def holds(self, generation: int) -> bool:
        """Return whether the consumer certainly still has the partitions that this generation assigned to it.

        It does not if it has joined another generation.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - as above
        return (
            self._clock() < self._confirmed + self._session
            and coordinator is not None
            and coordinator.generation == generation
        )
