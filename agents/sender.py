"""Messages in, all of them acknowledged by Kafka out: what an agent sends is sent before its input is acknowledged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import faust
from aiokafka.errors import KafkaError

from pipeline.errors import TransientError
from pipeline.metrics.watch import Watch
from pipeline.retry import until_done
from schemas.dead_letter import DeadLetter, Headers


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers


def dead(letter: DeadLetter, topic: str) -> Outgoing:
    """The message that keeps a dead letter: the bytes that are kept of it, where and why in the headers."""
    return Outgoing(topic, None, letter.payload, letter.headers())


class Sender:
    """Sends through the Faust app's producer, which is idle-safe, batched and acknowledged by all replicas."""

    def __init__(self, app: faust.App, watch: Watch) -> None:
        self._app = app
        self._watch = watch

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Return once Kafka has all `messages`; wait and try again as long as it is away.

        A second try may send a message twice, which the fold does not mind.
        """
        if messages:
            await until_done(lambda: self._send(messages), "Kafka does not take messages", self._watch)

    async def _send(self, messages: Sequence[Outgoing]) -> None:
        producer = await self._app.maybe_start_producer()
        try:
            sent = [
                await producer.send(message.topic, message.key, message.value, None, None, dict(message.headers))
                for message in messages
            ]
            await asyncio.gather(*sent)
        except KafkaError as trouble:
            raise TransientError(repr(trouble)) from trouble
