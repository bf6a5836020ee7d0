"""Messages in, all of them acknowledged by Kafka out: what an agent sends is sent before its input is acknowledged."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import faust
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTimestampError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
)
from faust.exceptions import ProducerSendError

from pipeline.config.settings import Settings
from pipeline.metrics.dependency_status import DependencyStatus
from pipeline.runtime.errors import TransientError
from pipeline.runtime.retry import retry_forever
from schemas.dead_letter import DeadLetter, Headers

TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
REFUSALS = (InvalidTimestampError, *TOO_LARGE)
"""Errors that a message meets again however often it is sent."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send, to `partition` or else to any; without a `timestamp` (ms) it is of now."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    partition: int | None = None
    timestamp: int | None = None
    instead: "Callable[[], OutgoingMessage] | None" = None
    """Makes what is sent in its place where Kafka finds it too large."""


def dead_letter_message(letter: DeadLetter, settings: Settings) -> OutgoingMessage:
    """The message that keeps a dead letter: the bytes that are kept of it, where and why in the headers.

    Whatever was in Kafka may be larger than a message, as it was compressed: of such a letter half is kept, and half of
    that, until it fits.
    """
    letter = letter.truncate(settings.max_message_bytes)  # the topic has room for that and for the headers
    half = partial(dead_letter_message, letter.truncate(len(letter.payload) // 2), settings) if letter.payload else None
    return OutgoingMessage(settings.topic_dead, None, letter.payload, letter.headers(), instead=half)


class RetryingProducer:
    """Sends through the Faust app's producer, which is idle-safe, batched and acknowledged by all replicas."""

    def __init__(self, app: faust.App, watch: DependencyStatus) -> None:
        self._app = app
        self._watch = watch

    async def send(self, messages: Sequence[OutgoingMessage]) -> set[int]:
        """Return once Kafka has all `messages`, or what is sent instead; wait and try again as long as it is away.

        The answer has the places of those that were too large. A second try may send a message twice, which the fold
        does not mind.
        """
        left, replaced = dict(enumerate(messages)), set[int]()
        while left:
            await retry_forever(lambda: self._send(left, replaced), "Kafka does not take messages", self._watch)
        return replaced

    async def send_accepted(self, messages: Sequence[OutgoingMessage]) -> list[int]:
        """As `send`, for messages that Kafka may refuse for good; the places of those among `messages`.

        What does not fit is compressed: the record that it was forwarded from may have been.
        """
        places = list(range(len(messages)))
        refused: list[int] = []

        async def attempt() -> None:
            wrong = await self._outcomes([messages[place] for place in places])
            refused.extend(place for place, error in zip(places, wrong, strict=True) if isinstance(error, REFUSALS))
            again = [
                (place, error)
                for place, error in zip(places, wrong, strict=True)
                if error is not None and not isinstance(error, REFUSALS)
            ]
            places[:] = [place for place, _ in again]
            if again:
                raise TransientError(repr(again[0][1])) from again[0][1]

        await retry_forever(attempt, "Kafka does not take messages", self._watch)
        if not refused:
            return []
        chosen = [messages[place] for place in sorted(refused)]
        fits = await retry_forever(lambda: self._compressed(chosen), "Kafka does not take messages", self._watch)
        return [place for place, does in zip(sorted(refused), fits, strict=True) if not does]

    async def _compressed(self, messages: Sequence[OutgoingMessage]) -> list[bool]:
        """Send messages compressed, and as of now; of each, whether Kafka takes it so."""
        ours = await self._app.maybe_start_producer()
        options = {**ours._settings_default(), **ours._settings_auth(), **ours._settings_extra()}  # noqa: SLF001 - addresses, credentials
        producer = AIOKafkaProducer(**options | {"compression_type": "gzip"})
        fits: list[bool] = []
        try:
            await producer.start()
            for message in messages:
                error = await _outcome(await self._begun_by(producer, message))
                if error is not None and not isinstance(error, REFUSALS):
                    raise TransientError(repr(error)) from error
                fits.append(error is None)
        except KafkaError as trouble:
            raise TransientError(repr(trouble)) from trouble
        finally:
            await producer.stop()
        return fits

    async def _begun_by(self, producer: AIOKafkaProducer, message: OutgoingMessage) -> Any:
        partition = await _existing(producer.client, message)
        try:
            return await producer.send(
                message.topic, message.value, message.key, partition=partition, headers=list(message.headers)
            )
        except KafkaError as trouble:
            return trouble

    async def _send(self, left: dict[int, OutgoingMessage], replaced: set[int]) -> None:
        """Send what is left, and leave what is to be sent instead of that."""
        trouble: KafkaError | None = None
        places = list(left)
        for place, error in zip(places, await self._outcomes(list(left.values())), strict=True):
            instead = left[place].instead
            if error is None:
                del left[place]
            elif isinstance(error, TOO_LARGE) and instead is not None:
                left[place] = instead()
                replaced.add(place)
            else:
                trouble = error
        if trouble is not None:
            raise TransientError(repr(trouble)) from trouble

    async def _outcomes(self, messages: Sequence[OutgoingMessage]) -> list[KafkaError | None]:
        """Send the messages; the error of each, None where Kafka has it."""
        producer = await self._app.maybe_start_producer()
        sent: list[Any] = []
        trouble: KafkaError | None = None
        for message in messages:
            begun = trouble or await self._begun(producer, message)
            if isinstance(begun, KafkaError) and not isinstance(begun, REFUSALS):
                trouble = begun  # the others would wait as long for the same
            sent.append(begun)
        return list(await asyncio.gather(*map(_outcome, sent)))

    async def _begun(self, producer: Any, message: OutgoingMessage) -> Any:
        # Faust has no way to ask for the number of partitions
        partition = await _existing(producer._ensure_producer().client, message)  # noqa: SLF001 - as said
        # half a millisecond: Faust makes it a whole number again, by cutting
        seconds = None if message.timestamp is None or message.timestamp < 0 else (message.timestamp + 0.5) / 1000
        try:
            return await producer.send(
                message.topic, message.key, message.value, partition, seconds, list(message.headers)
            )
        except KafkaError as trouble:
            return trouble
        except ProducerSendError as trouble:
            if isinstance(trouble.__cause__, KafkaError):
                return trouble.__cause__
            return KafkaError(repr(trouble))


async def _outcome(sent: Any) -> KafkaError | None:
    if isinstance(sent, KafkaError):
        return sent
    try:
        await sent
    except KafkaError as trouble:
        return trouble
    return None


async def _existing(client: Any, message: OutgoingMessage) -> int | None:
    """The message's partition, or, where Kafka has no such partition, another: who meets it there forwards it anew."""
    if message.partition is None:
        return None
    for _ in range(2):
        partitions = client.cluster.partitions_for_topic(message.topic) or ()
        if message.partition in partitions:
            return message.partition
        await client.force_metadata_update()
    return message.partition % len(partitions) if partitions else None
