"""Deliver each fetched batch of a partition as one Faust event, and commit offsets only of acknowledged batches."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from agents.batcher import Prepared, PreparedEvent
from agents.consumer.assignor import Assignor
from agents.consumer.offset_tracker import OffsetTracker
from agents.consumer.records import KafkaRecord
from agents.consumer.seeking import SeekingConsumer
from agents.consumer.thread import ConsumerThread
from pipeline.kafka.placement import Placement
from pipeline.metrics.collectors import Lag
from pipeline.metrics.worker import WorkerMetrics


class Consumer(SeekingConsumer):
    """Faust's consumer, with a batch in place of a record, and with its own tracking of committable offsets.

    Faust tracks single offsets and treats those between two messages as gaps. That stalls commits if a message stands
    for thousands of offsets. It also creates two tasks for every message that it delivers.
    """

    mundane_level = "debug"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offset_tracker: OffsetTracker[TP] = OffsetTracker()
        self.placement: Placement | None = None
        """Placement of sessions for the current assignment."""
        self._joined = False
        self._lag_start: dict[TP, int] = {}
        """Partition -> the offset from which its lag is counted: the last commit, or where reading began."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._active = 0

    @contextmanager
    def processing(self) -> Iterator[None]:
        """Delay the revocation of partitions, for a limited time, while an agent is in the block."""
        self._active += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._active -= 1
            if not self._active:
                self._idle.set()

    def unavailable_reason(self) -> str:
        """Return why Kafka cannot be read at the moment; empty if it can."""
        if not self._thread.has_coordinator():
            return "Kafka does not answer: the coordinator of the group is not known"
        return "" if self._joined else "the group is rebalancing"

    def is_rebalancing(self) -> bool:
        """Return whether the group is rebalancing, as far as this worker knows."""
        return not self._joined and self._thread.has_coordinator()

    def workers(self, topic: str) -> float:
        """Return how many workers share the topic, if all of them have as many of its partitions as this one."""
        own = self._thread.assigned_count(topic)
        return self.placement.partitions / own if self.placement and own else 1.0

    def last_fetch_at(self) -> float | None:
        """Return when Kafka last answered a fetch; None if there is nothing to fetch."""
        return self._thread.last_fetch_at()

    def lags(self) -> Iterator[Lag]:
        """Yield the number of records after the last commit, by topic and partition."""
        for tp, end in self._thread.high_watermarks():
            yield tp.topic, tp.partition, max(0, end - self._lag_start.get(tp, 0))

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def drop_stale(self, events: list[PreparedEvent[Prepared]]) -> list[PreparedEvent[Prepared]]:
        """Return the events of the current generation; the others are read again, here or by another worker."""
        generation = self.app.consumer_generation_id if self.flow_active else None
        return [event for event in events if event.event.message.generation_id == generation]

    def confirmed_generation(self) -> int | None:
        """Return the generation of the group if its partitions are certainly still ours, else None."""
        generation: int = self.app.consumer_generation_id
        membership = self._thread.membership
        return generation if membership and membership.holds(generation) else None

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 - Faust's signature
        """Yield one message per partition that has records; its value is the list of them."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        positions = {tp: position for tp, position in self._thread.positions() if position > self._lag_start.get(tp, 0)}
        for tp in positions.keys() - records.keys():
            self.offset_tracker.advance_position(tp, positions[tp])
        for tp, batch in records.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if batch and (active is None or tp in active or tp in self._buffered_partitions):
                self.offset_tracker.add(tp, batch[-1].offset)
                self.offset_tracker.advance_position(tp, positions.get(tp, 0))
                self._lag_start.setdefault(tp, batch[0].offset)
                yield tp, self._batch_message(tp, batch)

    def _batch_message(self, tp: TP, batch: list[KafkaRecord]) -> ConsumerMessage:
        last, generation = batch[-1], self.app.consumer_generation_id
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            last.offset,
            last.timestamp / 1000,
            timestamp_type=0,  # the rest is of single records, and used by nothing here
            headers=(),
            key=None,
            value=batch,
            checksum=None,
            tp=tp,
            generation_id=generation,
        )

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing: there are no gaps between batches."""

    def ack(self, message: Message) -> bool:
        """Acknowledge a written batch; its offsets are committable once those of all batches before it are."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        return self.offset_tracker.ack(message.tp, message.offset)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.offset_tracker.committable() if topics is None or tp in topics or tp.topic in topics)

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:  # noqa: ARG002, FBT001 - Faust's
        requested = set(tps)
        offsets = {tp: offset for tp, offset in self.offset_tracker.committable().items() if tp in requested}
        if not offsets:
            return False
        began = time.perf_counter()
        done: bool = await self._commit(offsets)
        self.transport.metrics.offsets.committed(time.perf_counter() - began, done=done)
        if done:
            self.offset_tracker.mark_committed(offsets)
            self._lag_start.update(offsets)
        return done

    async def wait_empty(self) -> None:
        """Finish the batches being processed, then commit. Runs before a revocation and before the worker stops."""
        seconds = self.transport.stop_seconds
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            self.log.warning("not finished within %.0f s: these events will be read again", seconds)
        try:
            await asyncio.wait_for(self.commit(), seconds)
        except TimeoutError:
            self.log.warning("not committed within %.0f s: these events will be read again", seconds)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Handle an assignment of partitions, which may be empty."""
        self.placement = self.transport.assignor.placement(self._thread.partition_count)
        await super().on_partitions_assigned(assigned, generation_id)
        self._joined = True
        self.transport.metrics.kafka.worked()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Handle the revocation of partitions: drop the batches that were delivered from them."""
        self._joined = False
        await super().on_partitions_revoked(revoked)
        self.offset_tracker.drop(revoked)
        for tp in revoked:
            self._lag_start.pop(tp, None)

    def drop_delivered(self, partitions: Collection[TP] | None = None) -> None:
        """Drop the batches that were delivered from these partitions, or from all: they are read again."""
        for message in list(self._unacked_messages):
            if partitions is None or message.tp in partitions:
                message.acked = True  # an agent still processing it must not acknowledge another batch in its place
        self.offset_tracker.drop(partitions) if partitions is not None else self.offset_tracker.drop_all()
        for tp in self._committed_offset if partitions is None else partitions:
            self._lag_start[tp] = self._committed_offset[tp] or 0

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Do nothing: Faust's watchdog takes a worker that waits for ClickHouse for a broken one."""


class FaustProducer(driver.Producer):
    """Faust's producer, idempotent if the settings say so: Faust itself ties idempotence to transactions."""

    mundane_level = "debug"

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"enable_idempotence": self.transport.idempotence}


class Transport(driver.Transport):
    """Faust's Kafka transport, with batches."""

    Consumer = Consumer
    Producer = FaustProducer

    def __init__(
        self,
        *args: Any,
        stop_seconds: float,
        idempotence: bool,
        fetch_waits: tuple[float, float],
        metrics: WorkerMetrics,
        assignor: Assignor,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.assignor = assignor
        self.metrics = metrics
        self.stop_seconds = stop_seconds
        self.idempotence = idempotence
        self.fetch_waits = fetch_waits
