"""Flush batches of prepared events: write a batch's archive while the rows of the next one are written."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from agents.batcher import PreparedEvent
from agents.consumer.transport import Consumer
from pipeline.materialise.flush import ConversationFlusher, PendingFlush
from pipeline.materialise.turn_records import DecodedRecords

Batches = AsyncIterator[list[PreparedEvent[DecodedRecords]]]


async def flush_all(
    batches: Batches,
    flusher: ConversationFlusher,
    consumer: Consumer,
    measured: Callable[[list[Any]], AbstractContextManager[None]],
    epoch: Callable[[], int],
) -> None:
    """Flush the batches in order, until they end or one cannot be written.

    A flush takes place within `measured` of its records, from its beginning until its archive is written.

    Raises:
        Exception: the error of the first flush that failed.
    """
    previous: tuple[PendingFlush, asyncio.Task[None]] | None = None
    with _first_error():
        async with asyncio.TaskGroup() as group:
            async for batch in batches:
                events = consumer.drop_stale(batch)
                with ExitStack() as contexts:
                    contexts.enter_context(consumer.processing())
                    records = [record for event in events for record in event.event.message.value]
                    contexts.enter_context(measured(records))
                    decoded = [event.prepared for event in events]
                    if previous and flusher.depends_on(decoded, previous[0]):
                        await previous[1]
                    pending = await flusher.fold_and_write_rows(decoded, epoch())
                    if previous:
                        await previous[1]
                    finishing = _write_archive(flusher, pending, events, contexts.pop_all())
                    previous = (pending, group.create_task(finishing))


async def _write_archive(
    flusher: ConversationFlusher,
    pending: PendingFlush,
    events: list[PreparedEvent[DecodedRecords]],
    contexts: ExitStack,
) -> None:
    with contexts:
        await flusher.write_archive(pending)
        for event in events:
            event.event.ack()


@contextmanager
def _first_error() -> Iterator[None]:
    """Raise only the first error of a group of tasks."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
