"""Know whether a worker is still the member of its group that it was, also when it wakes from a long sleep.

A process that was frozen past its session time-out goes on where it was, while another has its partitions. Nothing
tells it so before the next answer from Kafka. But Kafka gives nobody's partitions to others until a session time-out
after it has heard of him, so whoever was heard less than that ago is certain to have them still.
"""

import time
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoError, RebalanceInProgressError
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest

HEARD = {NoError.errno, RebalanceInProgressError.errno}
"""A member that is asked to join again has its partitions until it does."""


class Membership:
    """What a consumer that is not started yet will hear from the coordinator of its group."""

    def __init__(self, consumer: AIOKafkaConsumer, clock: Callable[[], float] = time.monotonic) -> None:
        """Let all answers of Kafka pass by here."""
        self._consumer, self._clock = consumer, clock
        self._session = consumer._session_timeout_ms / 1000  # noqa: SLF001 - nothing public tells of a group
        self._heard = -self._session
        client = consumer._client  # noqa: SLF001 - as above
        send = client.send

        async def heard(node_id: Any, request: Any, **options: Any) -> Any:
            sent = clock()  # Kafka counts from when it has the request, which is later
            response = await send(node_id, request, **options)
            if isinstance(request, HeartbeatRequest | SyncGroupRequest) and response.error_code in HEARD:
                self._heard = sent
            return response

        client.send = heard

    def holds(self, generation: int) -> bool:
        """Tell whether what this generation of the group has given to the consumer is certainly still the consumer's.

        When it has joined another generation, it is not.
        """
        coordinator = self._consumer._coordinator  # noqa: SLF001 - as above
        return (
            self._clock() < self._heard + self._session
            and coordinator is not None
            and coordinator.generation == generation
        )
