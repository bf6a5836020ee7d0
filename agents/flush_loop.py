"""Flush batches of prepared events: write a batch's archive while the rows of the next one are written."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager

from agents.batcher import PreparedEvent
from agents.consumer.transport import Consumer
from pipeline.materialise.flush import ConversationFlusher, PendingFlush
from pipeline.materialise.turn_records import DecodedRecords
from pipeline.metrics.worker import WorkerMetrics

Lists = AsyncIterator[list[PreparedEvent[DecodedRecords]]]


async def flush_all(
    lists: Lists,
    flusher: ConversationFlusher,
    consumer: Consumer,
    metrics: WorkerMetrics,
    epoch: Callable[[], int],
) -> None:
    """Flush the batches in order, until they end or one cannot be written.

    Raises:
        Exception: the error of the first flush that failed.
    """
    before: tuple[PendingFlush, asyncio.Task[None]] | None = None
    with _first_error():
        async with asyncio.TaskGroup() as group:
            async for arrived in lists:
                current = consumer.drop_stale(arrived)
                with ExitStack() as held:
                    held.enter_context(consumer.processing())
                    records = [record for one in current for record in one.event.message.value]
                    held.enter_context(metrics.batches.flush("conversations", records))
                    batches = [one.prepared for one in current]
                    if before and flusher.depends_on(batches, before[0]):
                        await before[1]
                    flush = await flusher.fold_and_write_rows(batches, epoch())
                    if before:
                        await before[1]
                    finishing = _finish(flusher, flush, current, held.pop_all())
                    before = (flush, group.create_task(finishing))


async def _finish(
    flusher: ConversationFlusher, flush: PendingFlush, current: list[PreparedEvent[DecodedRecords]], held: ExitStack
) -> None:
    with held:
        await flusher.write_archive(flush)
        for one in current:
            one.event.ack()


@contextmanager
def _first_error() -> Iterator[None]:
    """Raise only the first error of a group of tasks."""
    try:
        yield
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
