"""Make Faust's consumer survive rebalances, and detect topics that were deleted and recreated.

Work that a rebalance interrupts is dropped: the next assignment begins with a seek of its own. If Kafka lost records,
or has another topic under the same name, the consumer logs an error and reads from the beginning. That is harmless,
because the fold recognizes events that it has seen.
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

from agents.consumer.positions import INTERRUPTIONS
from agents.consumer.thread import ConsumerThread
from pipeline.config.settings import Settings
from pipeline.metrics.worker import ResetCause
from pipeline.runtime.errors import TransientError
from pipeline.runtime.retry import retry_forever
from schemas.erasure import digest

PAUSE = 0.1
"""Seconds between an interruption and the next attempt."""

MAX_PAUSE = 5.0
"""Largest number of seconds between two attempts while Kafka does not answer."""

CHECK_SECONDS = 5.0
"""Seconds between two checks of topic ids; records that are skipped in between are read afterwards."""


class SeekingConsumer(driver.Consumer):
    """Faust's consumer, whose seeks and fetches survive rebalances and recreated topics."""

    mundane_level = "debug"
    _thread: ConsumerThread
    _seeks = 0
    _must_seek = False
    _past_end: Mapping[TP, int] = MappingProxyType({})

    @abstractmethod
    def drop_delivered(self, partitions: Collection[TP] | None = None) -> None:
        """Drop the batches that were delivered from these partitions, or from all."""

    async def perform_seek(self) -> None:
        """Seek to the committed offsets; batches that were delivered before are read again.

        Returns without seeking only if there is a new assignment, which seeks by itself.
        """
        generation = self.app.consumer_generation_id
        self._must_seek = True  # stays set until it is done, even if the caller is cancelled
        pause = PAUSE
        while not self.should_stop and self.app.consumer_generation_id == generation:
            try:
                result = await self._thread.seek_to_committed()
            except INTERRUPTIONS as interruption:
                self.log.info("seeking was interrupted, trying again: %r", interruption)
                await self.sleep(PAUSE)
                continue
            except KafkaError as error:
                self.log.warning("committed offsets cannot be fetched: %r; next attempt in %.1f s", error, pause)
                self.transport.metrics.kafka.failed(f"committed offsets cannot be fetched: {error!r}")
                await self.sleep(pause)
                pause = min(2 * pause, MAX_PAUSE)
                continue
            self._must_seek = False
            self.transport.metrics.kafka.worked()
            self._read_offset.update(result.offsets)
            self._committed_offset.update(result.offsets)
            self.drop_delivered()
            self._seeks += 1
            for topic in sorted(result.recreated):
                self._report_recreated(topic)
            return

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        if self._must_seek:
            await self.perform_seek()
        past_end, self._past_end = self._past_end, MappingProxyType({})
        for tp, offset in past_end.items():
            await self._reset(tp, offset)
        seeks = self._seeks
        try:
            records = await super()._getmany(active_partitions, timeout)
            if self._seeks == seeks:
                return records
            await self.perform_seek()  # the records may have been fetched before or after the concurrent seek
        except OffsetOutOfRangeError as error:
            for tp, offset in error.args[0].items():
                await self._reset(ensure_TP(tp), offset)
        except NoOffsetForPartitionError as error:
            await self._reset(ensure_TP(error.args[0]), None)
        except INTERRUPTIONS as interruption:
            self.log.info("fetching was interrupted, trying again: %r", interruption)
            await self.sleep(PAUSE)
        return {}

    async def _reset(self, tp: TP, offset: int | None) -> None:
        """Read a partition from its beginning, because it has no record at `offset`, or no offset is known."""
        try:
            if offset is not None and tp.topic in await self._thread.recreated_topics():
                await self.perform_seek()
                return
            beginning = await self._thread.reset_to_beginning(tp, offset)
        except (*INTERRUPTIONS, KafkaError) as interruption:
            self.log.info("resetting an offset was interrupted: %r", interruption)  # the next fetch tries again
            await self.sleep(PAUSE)
            return
        if beginning is None:
            return
        self._read_offset[tp] = None
        self._committed_offset[tp] = beginning
        if offset is None or offset >= beginning:
            self.drop_delivered([tp])
        if offset is not None and offset < beginning:
            self._report_expired(tp, offset, beginning)
        elif offset is not None:
            self._report_recreated(tp.topic)

    async def is_recreated(self, topic: str, topic_id: str) -> bool:
        """Return whether a topic does not have the id any more that its records were fetched with.

        Then some of them may be of the new topic, which is read from its beginning as soon as `_watch_topics` notices
        it. This waits until Kafka answers, and until the topic exists.
        """

        async def ask() -> bool:
            try:
                return await self._thread.is_recreated(topic, topic_id)
            except KafkaError as error:
                raise TransientError(repr(error)) from error

        return await retry_forever(ask, f"Kafka does not tell the id of topic {topic}", self.transport.metrics.kafka)

    def worker_group(self, settings: Settings) -> str:
        """Return the name by which the workers of this group and topic announce themselves to other groups."""
        cluster = self._thread.cluster_id or ",".join(sorted(settings.kafka))
        return f"workers-{digest(cluster, settings.kafka_group, settings.topic_turns)[:10]}"

    def topic_id(self, topic: str) -> str:
        """Return the id that a topic had before the records were fetched that arrive now; empty if it has none."""
        return self._thread.ids.get(topic, "")

    @Service.task
    async def _watch_topics(self) -> None:
        async for _ in self.itertimer(CHECK_SECONDS, name="topics"):
            # `_getmany` does the seek, so that no fetch is in progress meanwhile
            if self.flow_active and await self._thread.recreated_topics():
                self._must_seek = True
            self._past_end = self._thread.positions_past_end()

    def _report_recreated(self, topic: str) -> None:
        self._count_reset("anew")
        self.log.error(
            "topic %s is no longer the one that was read: it was deleted and recreated, or has lost its newest "
            "records; it is read again from its beginning",
            topic,
        )

    def _report_expired(self, tp: TP, offset: int, beginning: int) -> None:
        self._count_reset("expired", beginning - offset)
        self.log.error(
            "%d records of topic %s, partition %d, offsets %d to %d, were deleted before they were read: the topic's "
            "retention is shorter than the workers' lag",
            beginning - offset,
            tp.topic,
            tp.partition,
            offset,
            beginning - 1,
        )

    def _count_reset(self, cause: ResetCause, records: int = 0) -> None:
        self.transport.metrics.offsets.reset(cause, records)
