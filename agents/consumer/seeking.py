"""Make Faust's consumer survive rebalances, and notice topics that are no longer what they were.

Whatever a rebalance interrupts is dropped: the assignment that follows begins with a seek of its own. Where Kafka has
lost records, or has another topic under the same name, that is said loudly, and reading begins again at the beginning,
which is harmless: the fold knows events again.
"""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.consumer import ensure_TP
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from agents.consumer.positions import INTERRUPTIONS, Sought, marked, restart, seek_to_committed
from agents.consumer.topic_ids import topic_ids
from pipeline.metrics.worker import ResetCause

PAUSE = 0.1
"""Seconds between something interrupted and the next attempt."""

LONGEST_PAUSE = 5.0
"""Seconds between two attempts at most, while Kafka does not answer."""

LOOK_EVERY = 5.0
"""Seconds between two looks whether topics are still the same ones; what is skipped meanwhile is read afterwards."""


class SeekingThread(driver.AIOKafkaConsumerThread):
    """What the thread that aiokafka lives in does for a `SeekingConsumer`."""

    mundane_level = "debug"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ids: Mapping[str, str] = {}
        """Topic -> its id, as of the last seek to what is committed: those that our commits are for."""

    async def sought(self) -> Sought:
        """Seek every partition to its committed offset, or to the beginning.

        Raises:
            KafkaError: Kafka does not answer, or one of INTERRUPTIONS.
        """
        sought: Sought = await self.call_thread(self._sought)
        return sought

    async def _sought(self) -> Sought:
        consumer = self._ensure_consumer()
        ids = await self.topic_ids()
        sought = await seek_to_committed(consumer, ids, self.ids)
        self.ids = {**self.ids, **ids}
        return sought

    async def restarted(self, tp: TP, offset: int | None) -> int | None:
        """Seek a partition that was to be read from `offset` to the first one that it holds; that one.

        None where it is no longer ours, or is read from elsewhere by now. Raises as `sought` does.
        """
        beginning: int | None = await self.call_thread(restart, self._ensure_consumer(), tp, offset)
        return beginning

    async def strangers(self) -> set[str]:
        """Find the topics that have another id than at the last seek."""
        found: set[str] = await self.call_thread(self._strangers)
        return found

    async def _strangers(self) -> set[str]:
        ids = await self.topic_ids()
        self.ids = {**ids, **self.ids}  # what could not be told then
        return {topic for topic, known in self.ids.items() if ids.get(topic, known) != known}

    def heard(self) -> float | None:
        """Tell when Kafka last answered a fetch, in seconds since 1970; None where there is nothing to fetch."""
        return max(((state.timestamp or 0) / 1000 for state in self._partition_states().values()), default=None)

    def beyond(self) -> dict[TP, int]:
        """Find the partitions whose position lies behind the end: some brokers answer such fetches with nothing."""
        return {
            tp: state.position
            for tp, state in self._partition_states().items()
            if state.has_valid_position and state.highwater is not None and state.position > state.highwater
        }

    def _partition_states(self) -> dict[TP, Any]:
        subscription = self._consumer and self._consumer._subscription.subscription  # noqa: SLF001 - nothing public tells
        assignment = subscription and subscription.assignment
        return {ensure_TP(tp): assignment.state_value(tp) for tp in assignment.tps} if assignment else {}

    def to_commit(self, offsets: Mapping[TP, int]) -> dict[Any, Any]:
        """Build the commit of those offsets whose partitions are ours, each with the id of its topic."""
        assigned = self.assignment()
        return {
            driver.ensure_aiokafka_TP(tp): marked(offset, self.ids.get(tp.topic, ""))
            for tp, offset in offsets.items()
            if tp in assigned
        }

    async def topic_ids(self) -> dict[str, str]:
        """Ask for the ids of the topics that are read here; nothing where they cannot be told."""
        consumer = self._consumer
        topics = {tp.topic for tp in consumer.assignment()} if consumer else ()
        try:
            return await topic_ids(consumer._client, topics) if consumer and topics else {}  # noqa: SLF001 - as above
        except KafkaError as trouble:
            self.log.debug("cannot tell whether topics are the same: %r", trouble)
            return {}


class SeekingConsumer(driver.Consumer):
    """Faust's consumer, whose seeks and fetches outlast rebalances and topics that change."""

    mundane_level = "debug"
    _thread: SeekingThread
    _seeks = 0
    _must_seek = False
    _beyond: Mapping[TP, int] = MappingProxyType({})

    @abstractmethod
    def forget_delivered(self, partitions: Collection[TP] | None = None) -> None:
        """Have nothing to do any more with what was delivered of these partitions, or of all."""

    async def perform_seek(self) -> None:
        """Read on from the committed offsets: what was delivered before comes again.

        Returns without having done so only where another assignment comes, which seeks by itself.
        """
        generation = self.app.consumer_generation_id
        self._must_seek = True  # until it is done, also where whoever waits for it gives up
        pause = PAUSE
        while not self.should_stop and self.app.consumer_generation_id == generation:
            try:
                sought = await self._thread.sought()
            except INTERRUPTIONS as interruption:
                self.log.info("seeking was interrupted, and begins anew: %r", interruption)
                await self.sleep(PAUSE)
                continue
            except KafkaError as trouble:
                self.log.warning("Kafka does not tell what is committed: %r; next try in %.1f s", trouble, pause)
                self.transport.metrics.kafka.failed(f"Kafka does not tell what is committed: {trouble!r}")
                await self.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                continue
            self._must_seek = False
            self.transport.metrics.kafka.worked()
            self._read_offset.update(sought.offsets)
            self._committed_offset.update(sought.offsets)
            self.forget_delivered()
            self._seeks += 1
            for topic in sorted(sought.anew):
                self._say_anew(topic)
            return

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        if self._must_seek:
            await self.perform_seek()
        beyond, self._beyond = self._beyond, MappingProxyType({})
        for tp, offset in beyond.items():
            await self._begin_again(tp, offset)
        seeks = self._seeks
        try:
            records = await super()._getmany(active_partitions, timeout)
            if self._seeks == seeks:
                return records
            await self.perform_seek()  # what was fetched is from before the other seek, or from after it: nobody knows
        except OffsetOutOfRangeError as wrong:
            for tp, offset in wrong.args[0].items():
                await self._begin_again(ensure_TP(tp), offset)
        except NoOffsetForPartitionError as new:
            await self._begin_again(ensure_TP(new.args[0]), None)
        except INTERRUPTIONS as interruption:
            self.log.info("fetching was interrupted, and begins anew: %r", interruption)
            await self.sleep(PAUSE)
        return {}

    async def _begin_again(self, tp: TP, offset: int | None) -> None:
        """Read a partition from its beginning, as there is nothing at `offset`, or none is known."""
        try:
            if offset is not None and tp.topic in await self._thread.strangers():
                await self.perform_seek()
                return
            beginning = await self._thread.restarted(tp, offset)
        except (*INTERRUPTIONS, KafkaError) as interruption:
            self.log.info("beginning again was interrupted: %r", interruption)  # the next fetch meets the same
            await self.sleep(PAUSE)
            return
        if beginning is None:
            return
        self._read_offset[tp] = None
        self._committed_offset[tp] = beginning
        if offset is None or offset >= beginning:
            self.forget_delivered([tp])
        if offset is not None and offset < beginning:
            self._say_expired(tp, offset, beginning)
        elif offset is not None:
            self._say_anew(tp.topic)

    @Service.task
    async def _watch_topics(self) -> None:
        async for _ in self.itertimer(LOOK_EVERY, name="topics"):
            # by whoever fetches, so that nothing is being fetched meanwhile
            if self.flow_active and await self._thread.strangers():
                self._must_seek = True
            self._beyond = self._thread.beyond()

    def _say_anew(self, topic: str) -> None:
        self._reset("anew")
        self.log.error(
            "topic %s is no longer the one that was read: it was deleted and made anew, or has lost its newest "
            "records; it is read again from its beginning",
            topic,
        )

    def _say_expired(self, tp: TP, offset: int, beginning: int) -> None:
        self._reset("expired", beginning - offset)
        self.log.error(
            "%d records of topic %s, partition %d, offsets %d to %d, were deleted before they were read: its retention "
            "is shorter than the workers were behind",
            beginning - offset,
            tp.topic,
            tp.partition,
            offset,
            beginning - 1,
        )

    def _reset(self, cause: ResetCause, records: int = 0) -> None:
        self.transport.metrics.offsets.reset(cause, records)
