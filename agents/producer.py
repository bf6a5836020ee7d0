"""Send messages to Kafka and retry until all are acknowledged, before an agent acknowledges its own input."""

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
UNAVAILABLE = "Kafka does not take messages"
REFUSALS = (InvalidTimestampError, *TOO_LARGE)
"""Errors of a message that no retry can solve."""


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send to `partition`, or to any if that is None; `timestamp` is in ms, None means now."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    partition: int | None = None
    timestamp: int | None = None
    instead: "Callable[[], OutgoingMessage] | None" = None
    """Builds the message that is sent instead if Kafka rejects this one as too large."""


def dead_letter_message(letter: DeadLetter, settings: Settings) -> OutgoingMessage:
    """Return the message of a dead letter: its payload, with the headers that say where it came from and why.

    An input that came from Kafka compressed may be larger than a message can be. The payload of such a dead letter is
    halved until it fits.
    """
    letter = letter.truncate(settings.max_message_bytes)  # the topic allows that size plus the headers
    half = partial(dead_letter_message, letter.truncate(len(letter.payload) // 2), settings) if letter.payload else None
    return OutgoingMessage(settings.topic_dead, None, letter.payload, letter.headers(), instead=half)


class DeadLetterProducer:
    """Sends dead letters to their topic."""

    def __init__(self, settings: Settings, producer: "RetryingProducer") -> None:
        self._settings = settings
        self._producer = producer

    async def keep(self, letters: Sequence[DeadLetter]) -> None:
        """Send dead letters, and wait until Kafka has all of them."""
        await self._producer.send([dead_letter_message(letter, self._settings) for letter in letters])


class RetryingProducer:
    """Sends through the Faust app's producer, which may be idle, batches messages and waits for all replicas."""

    def __init__(self, app: faust.App, status: DependencyStatus) -> None:
        self._app = app
        self._status = status

    async def send(self, messages: Sequence[OutgoingMessage]) -> set[int]:
        """Send all `messages`, or what is to be sent instead; retry while Kafka is unavailable.

        A retry may send a message twice, which the fold tolerates.

        Returns:
            The indexes of the messages that were too large.
        """
        left, replaced = dict(enumerate(messages)), set[int]()
        while left:
            await retry_forever(lambda: self._send(left, replaced), UNAVAILABLE, self._status)
        return replaced

    async def send_accepted(self, messages: Sequence[OutgoingMessage]) -> list[int]:
        """Send messages that Kafka may refuse permanently; retry while Kafka is unavailable.

        A message that does not fit is compressed: the record that it was forwarded from may have been compressed too.

        Returns:
            The indexes of the messages that Kafka refuses.
        """
        indexes = list(range(len(messages)))
        refused: list[int] = []

        async def attempt() -> None:
            errors = await self._send_once([messages[index] for index in indexes])
            refused.extend(index for index, error in zip(indexes, errors, strict=True) if isinstance(error, REFUSALS))
            failed = [
                (index, error)
                for index, error in zip(indexes, errors, strict=True)
                if error is not None and not isinstance(error, REFUSALS)
            ]
            indexes[:] = [index for index, _ in failed]
            if failed:
                raise TransientError(repr(failed[0][1])) from failed[0][1]

        await retry_forever(attempt, UNAVAILABLE, self._status)
        if not refused:
            return []
        too_large = [messages[index] for index in sorted(refused)]
        fits = await retry_forever(lambda: self._send_compressed(too_large), UNAVAILABLE, self._status)
        return [index for index, does in zip(sorted(refused), fits, strict=True) if not does]

    async def _send_compressed(self, messages: Sequence[OutgoingMessage]) -> list[bool]:
        """Send messages compressed, with the current time; return for each whether Kafka accepts it so."""
        faust_producer = await self._app.maybe_start_producer()
        options = {
            **faust_producer._settings_default(),  # noqa: SLF001 - addresses
            **faust_producer._settings_auth(),  # noqa: SLF001 - credentials
            **faust_producer._settings_extra(),  # noqa: SLF001 - idempotence
        }
        producer = AIOKafkaProducer(**options | {"compression_type": "gzip"})
        fits: list[bool] = []
        try:
            await producer.start()
            for message in messages:
                error = await _delivery_error(await self._start_send_by(producer, message))
                if error is not None and not isinstance(error, REFUSALS):
                    raise TransientError(repr(error)) from error
                fits.append(error is None)
        except KafkaError as error:
            raise TransientError(repr(error)) from error
        finally:
            await producer.stop()
        return fits

    async def _start_send_by(self, producer: AIOKafkaProducer, message: OutgoingMessage) -> Any:
        partition = await _existing_partition(producer.client, message)
        try:
            return await producer.send(
                message.topic, message.value, message.key, partition=partition, headers=list(message.headers)
            )
        except KafkaError as error:
            return error

    async def _send(self, left: dict[int, OutgoingMessage], replaced: set[int]) -> None:
        """Send the messages that are left; remove those that are sent, and replace those that are too large."""
        failure: KafkaError | None = None
        indexes = list(left)
        for index, error in zip(indexes, await self._send_once(list(left.values())), strict=True):
            instead = left[index].instead
            if error is None:
                del left[index]
            elif isinstance(error, TOO_LARGE) and instead is not None:
                left[index] = instead()
                replaced.add(index)
            else:
                failure = error
        if failure is not None:
            raise TransientError(repr(failure)) from failure

    async def _send_once(self, messages: Sequence[OutgoingMessage]) -> list[KafkaError | None]:
        """Send the messages once; return the error of each, None if Kafka has acknowledged it."""
        producer = await self._app.maybe_start_producer()
        sends: list[Any] = []
        failure: KafkaError | None = None
        for message in messages:
            send = failure or await self._start_send(producer, message)
            if isinstance(send, KafkaError) and not isinstance(send, REFUSALS):
                failure = send  # the others would wait as long for the same error
            sends.append(send)
        return list(await asyncio.gather(*map(_delivery_error, sends)))

    async def _start_send(self, producer: Any, message: OutgoingMessage) -> Any:
        client = producer._ensure_producer().client  # noqa: SLF001 - Faust cannot be asked for the number of partitions
        partition = await _existing_partition(client, message)
        # plus half a millisecond, as Faust truncates to whole milliseconds
        seconds = None if message.timestamp is None or message.timestamp < 0 else (message.timestamp + 0.5) / 1000
        try:
            return await producer.send(
                message.topic, message.key, message.value, partition, seconds, list(message.headers)
            )
        except KafkaError as error:
            return error
        except ProducerSendError as error:
            if isinstance(error.__cause__, KafkaError):
                return error.__cause__
            return KafkaError(repr(error))


async def _delivery_error(send: Any) -> KafkaError | None:
    if isinstance(send, KafkaError):
        return send
    try:
        await send
    except KafkaError as error:
        return error
    return None


async def _existing_partition(client: Any, message: OutgoingMessage) -> int | None:
    """Return the message's partition, or another one if it does not exist: the worker there forwards the message."""
    if message.partition is None:
        return None
    for _ in range(2):
        partitions = client.cluster.partitions_for_topic(message.topic) or ()
        if message.partition in partitions:
            return message.partition
        await client.force_metadata_update()
    return message.partition % len(partitions) if partitions else None
