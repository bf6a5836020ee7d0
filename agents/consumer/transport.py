"""Fetched partition batches in, one Faust event a batch out; offsets are committed only behind acknowledged batches."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage, Message

from agents.batcher import Prepared, PreparedEvent
from agents.consumer.assignor import Assignor
from agents.consumer.fetches import check_fetches
from agents.consumer.offset_tracker import OffsetTracker
from agents.consumer.positions import INTERRUPTIONS
from agents.consumer.seeking import SeekingConsumer, SeekingThread
from agents.membership import Membership
from pipeline.kafka.fetch_wait import FETCH_WAIT_MS
from pipeline.kafka.placement import Placement
from pipeline.metrics.collectors import Lag
from pipeline.metrics.worker import WorkerMetrics


class ConsumerThread(SeekingThread):
    """Faust's consumer thread; a broker that is away while offsets are committed does not end the worker."""

    mundane_level = "debug"
    membership: Membership | None = None

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS  # noqa: SLF001 - Faust has no setting for it
        consumer._partition_assignment_strategy = [transport.assignor]  # noqa: SLF001 - as above
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - as above
        check_fetches(consumer)
        self.membership = Membership(consumer)
        return consumer

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._ensure_consumer()
        ours = self.to_commit(offsets)
        if not ours:
            return False
        try:
            await consumer.commit(ours)
        except INTERRUPTIONS as interruption:
            self.log.info("committing was interrupted: %r", interruption)
            return False
        except KafkaError as trouble:
            # Nothing is lost by it: the events are written, and the next commit covers them or they come again.
            self.log.warning("offsets not committed, to be tried again: %r", trouble)
            self.consumer.transport.metrics.kafka.failed(f"offsets cannot be committed: {trouble!r}")
            return False
        self.consumer.transport.metrics.kafka.worked()
        return True

    def coordinated(self) -> bool:
        """Whether Kafka is in touch: the coordinator of the group is known."""
        coordinator: Any = getattr(self._consumer, "_coordinator", None)  # nothing public says it
        return coordinator is not None and coordinator.coordinator_id is not None

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has, as far as is known here."""
        cluster = self._ensure_consumer()._client.cluster  # noqa: SLF001 - nothing public tells without asking Kafka
        return len(cluster.partitions_for_topic(topic) or ())

    def ends(self) -> Iterator[tuple[TP, int]]:
        """The end of what can be read of each partition read here, as the last fetch from it told."""
        for tp, state in self._states():
            if (end := state.lso if (state.lso or 0) > 0 else state.highwater) is not None:
                yield tp, end

    def positions(self) -> Iterator[tuple[TP, int]]:
        """How far each partition read here is read: also past what is no record, such as markers of transactions."""
        for tp, state in self._states():
            if state.has_valid_position:
                yield tp, state.position

    def _states(self) -> Iterator[tuple[TP, Any]]:
        """What aiokafka knows of each partition; nothing while they are being shared out."""
        subscription = self._consumer and self._consumer._subscription.subscription  # noqa: SLF001 - nothing public says it
        assignment = subscription and subscription.assignment
        for tp in assignment.tps if assignment else ():
            yield TP(*tp), assignment.state_value(tp)


class Consumer(SeekingConsumer):
    """Faust's consumer with a batch in place of a record, and its own account of what may be committed.

    Faust tracks single offsets and takes those between two messages for gaps, which stalls commits where a
    message stands for thousands of offsets; and it races two tasks for every message it delivers.
    """

    mundane_level = "debug"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deliveries: OffsetTracker[TP] = OffsetTracker()
        self.placement: Placement | None = None
        """Where sessions belong in the current assignment."""
        self._joined = False
        self._reached: dict[TP, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._at_work = 0

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """While an agent is in the block, partitions are not given away: for a bounded time."""
        self._at_work += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._at_work -= 1
            if not self._at_work:
                self._idle.set()

    def trouble(self) -> str:
        """Why nothing can be read from Kafka at the moment; empty where it can."""
        if not self._thread.coordinated():
            return "Kafka does not answer: the coordinator of the group is not known"
        return "" if self._joined else "the group is sharing out the partitions"

    def rebalances(self) -> bool:
        """Tell whether the group is sharing out the partitions, as far as is known here."""
        return not self._joined and self._thread.coordinated()

    def heard(self) -> float | None:
        """Tell when Kafka last answered a fetch; None where there is nothing to fetch."""
        return self._thread.heard()

    def lags(self) -> Iterator[Lag]:
        """Records that lie behind the last commit, by topic and partition."""
        for tp, end in self._thread.ends():
            yield tp.topic, tp.partition, max(0, end - self._reached.get(tp, 0))

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def current(self, arrived: list[PreparedEvent[Prepared]]) -> list[PreparedEvent[Prepared]]:
        """Those that are still ours to fold: the others come again, here or elsewhere."""
        generation = self.app.consumer_generation_id if self.flow_active else None
        return [one for one in arrived if one.event.message.generation_id == generation]

    def holding(self) -> int | None:
        """Tell the generation of the group whose partitions are certainly ours at this moment, if there is one."""
        generation: int = self.app.consumer_generation_id
        membership = self._thread.membership
        return generation if membership and membership.holds(generation) else None

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 - Faust's signature
        """One message for each partition that has records; its value is the list of aiokafka's records."""
        records, active = await self._wait_next_records(timeout)
        generation = self.app.consumer_generation_id
        if records is None or self.should_stop:
            return
        if not self.flow_active:
            await self.perform_seek()
            return
        passed = {tp: position for tp, position in self._thread.positions() if position > self._reached.get(tp, 0)}
        for tp in passed.keys() - records.keys():
            self.deliveries.passed(tp, passed[tp])
        for tp, batch in records.items():
            if not self.flow_active or self.app.consumer_generation_id != generation:
                return
            if batch and (active is None or tp in active or tp in self._buffered_partitions):
                self.deliveries.delivered(tp, batch[-1].offset)
                self.deliveries.passed(tp, passed.get(tp, 0))
                self._reached.setdefault(tp, batch[0].offset)
                yield tp, self._batch_message(tp, batch)

    def _batch_message(self, tp: TP, batch: list[Any]) -> ConsumerMessage:
        message = self._to_message(tp, batch[-1])
        message.value = batch
        return message

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """There are no gaps between batches."""

    def ack(self, message: Message) -> bool:
        """The batch is written: its offsets may be committed once those before it may."""
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        return self.deliveries.acked(message.tp, message.offset)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        return (tp for tp in self.deliveries.committable() if topics is None or tp in topics or tp.topic in topics)

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:  # noqa: ARG002, FBT001 - Faust's
        wanted = set(tps)
        offsets = {tp: offset for tp, offset in self.deliveries.committable().items() if tp in wanted}
        if not offsets:
            return False
        began = time.perf_counter()
        done: bool = await self._commit(offsets)
        self.transport.metrics.offsets.committed(time.perf_counter() - began, done=done)
        if done:
            self.deliveries.committed(offsets)
            self._reached.update(offsets)
        return done

    async def wait_empty(self) -> None:
        """Before partitions are given away and before the worker stops: finish what is in hand, then commit."""
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
        """The group has shared out the partitions; none may be ours."""
        self.placement = self.transport.assignor.placement(self._thread.partitions)
        await super().on_partitions_assigned(assigned, generation_id)
        self._joined = True
        self.transport.metrics.kafka.worked()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Partitions are taken away: what was delivered from them no longer counts."""
        self._joined = False
        await super().on_partitions_revoked(revoked)
        self.deliveries.forget(revoked)
        for tp in revoked:
            self._reached.pop(tp, None)

    def forget_delivered(self, partitions: Collection[TP] | None = None) -> None:
        """Have nothing to do any more with what was delivered of these partitions, or of all: it comes again."""
        for message in list(self._unacked_messages):
            if partitions is None or message.tp in partitions:
                message.acked = True  # whoever still works on it must not acknowledge another batch in its place
        self.deliveries.forget(partitions) if partitions is not None else self.deliveries.forget_all()
        for tp in self._committed_offset if partitions is None else partitions:
            self._reached[tp] = self._committed_offset[tp] or 0

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's watchdog takes a worker that waits for ClickHouse for a broken one."""


class Producer(driver.Producer):
    """Faust's producer, idempotent where that is asked for: Faust itself ties it to transactions."""

    mundane_level = "debug"

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"enable_idempotence": self.transport.idempotence}


class Transport(driver.Transport):
    """Faust's Kafka transport, in batches."""

    Consumer = Consumer
    Producer = Producer

    def __init__(
        self,
        *args: Any,
        stop_seconds: float,
        idempotence: bool,
        metrics: WorkerMetrics,
        assignor: Assignor,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.assignor = assignor
        self.metrics = metrics
        self.stop_seconds = stop_seconds
        self.idempotence = idempotence
