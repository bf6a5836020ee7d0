"""Run aiokafka's consumer in a thread of its own: seek, commit, and report its positions."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP

from agents.consumer.fetches import check_fetches
from agents.consumer.membership import Membership
from agents.consumer.positions import INTERRUPTIONS, SeekResult, commit_of, reset_to_beginning, seek_to_committed
from agents.consumer.topic_ids import cluster_id, is_recreated, topic_ids


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Faust's consumer thread. A broker that is unavailable during a commit does not end the worker."""

    mundane_level = "debug"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.membership: Membership | None = None
        self.cluster_id = ""
        """The id of the Kafka cluster; empty before the first seek, and for old brokers."""
        self.ids: Mapping[str, str] = {}
        """Topic -> its id at the last seek to the committed offsets: our commits are for these topics."""

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        consumer._partition_assignment_strategy = [transport.assignor]  # noqa: SLF001 - Faust has no setting for it
        consumer._isolation_level = "read_committed"  # noqa: SLF001 - as above
        check_fetches(consumer, transport.fetch_waits)
        self.membership = Membership(consumer)
        return consumer

    async def seek_to_committed(self) -> SeekResult:
        """Seek every partition to its committed offset, or to the beginning.

        Raises:
            KafkaError: Kafka does not answer, or one of INTERRUPTIONS.
        """
        result: SeekResult = await self.call_thread(self._seek_to_committed)
        return result

    async def _seek_to_committed(self) -> SeekResult:
        consumer = self._ensure_consumer()
        self.cluster_id = self.cluster_id or await cluster_id(consumer._client)  # noqa: SLF001 - not public
        ids = await self._topic_ids()
        result = await seek_to_committed(consumer, ids, self.ids)
        self.ids = {**self.ids, **ids}
        return result

    async def reset_to_beginning(self, tp: TP, offset: int | None) -> int | None:
        """Seek a partition to its first offset if its position still is `offset`.

        Returns:
            The first offset; None if the partition is no longer ours, or has another position by now.

        Raises:
            KafkaError: Kafka does not answer, or one of INTERRUPTIONS.
        """
        beginning: int | None = await self.call_thread(reset_to_beginning, self._ensure_consumer(), tp, offset)
        return beginning

    async def recreated_topics(self) -> set[str]:
        """Return the topics that have another id than at the last seek."""
        recreated: set[str] = await self.call_thread(self._recreated_topics)
        return recreated

    async def _recreated_topics(self) -> set[str]:
        try:
            ids = await self._topic_ids()
        except KafkaError as error:
            self.log.debug("cannot fetch topic ids: %r", error)
            return set()
        self.ids = {**ids, **self.ids}  # adds ids that were not known at the seek
        return {topic for topic, known in self.ids.items() if ids.get(topic, known) != known}

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._ensure_consumer()
        commit = self._build_commit(offsets)
        if not commit:
            return False
        try:
            await consumer.commit(commit)
        except INTERRUPTIONS as interruption:
            self.log.info("committing was interrupted: %r", interruption)
            return False
        except KafkaError as error:
            # Nothing is lost: the events are written, and the next commit covers them or they are read again.
            self.log.warning("offsets cannot be committed, trying again: %r", error)
            self.consumer.transport.metrics.kafka.failed(f"offsets cannot be committed: {error!r}")
            return False
        self.consumer.transport.metrics.kafka.worked()
        return True

    def _build_commit(self, offsets: Mapping[TP, int]) -> dict[Any, Any]:
        """Build the commit of those offsets whose partitions are ours, each with the id of its topic."""
        assigned = self.assignment()
        return {
            driver.ensure_aiokafka_TP(tp): commit_of(offset, self.ids.get(tp.topic, ""))
            for tp, offset in offsets.items()
            if tp in assigned
        }

    async def _topic_ids(self) -> dict[str, str]:
        """Fetch the ids of the topics that are read here."""
        consumer = self._consumer
        topics = {tp.topic for tp in consumer.assignment()} if consumer else ()
        return await topic_ids(consumer._client, topics) if consumer and topics else {}  # noqa: SLF001 - not public

    async def is_recreated(self, topic: str, topic_id: str) -> bool:
        """Return whether a topic does not have this id any more, so that what was fetched may be of another topic.

        Raises:
            KafkaError: Kafka does not answer, or the topic does not exist at the moment.
        """
        client = self._ensure_consumer()._client  # noqa: SLF001 - not public
        recreated: bool = await self.call_thread(is_recreated, client, topic, topic_id)
        return recreated

    def has_coordinator(self) -> bool:
        """Return whether the coordinator of the group is known, which means that Kafka is available."""
        coordinator: Any = getattr(self._consumer, "_coordinator", None)  # there is no public attribute
        return coordinator is not None and coordinator.coordinator_id is not None

    def partition_count(self, topic: str) -> int:
        """Return the topic's number of partitions in this client's metadata."""
        cluster = self._ensure_consumer()._client.cluster  # noqa: SLF001 - every public way asks Kafka
        return len(cluster.partitions_for_topic(topic) or ())

    def assigned_count(self, topic: str) -> int:
        """Return the number of the topic's partitions that are assigned to this worker; 0 during a rebalance."""
        return sum(tp.topic == topic for tp, _ in self._states())

    def high_watermarks(self) -> Iterator[tuple[TP, int]]:
        """Yield the readable end of each assigned partition, according to its last fetch."""
        for tp, state in self._states():
            if (end := state.lso if (state.lso or 0) > 0 else state.highwater) is not None:
                yield tp, end

    def positions(self) -> Iterator[tuple[TP, int]]:
        """Yield the position in each assigned partition, past offsets without records such as transaction markers."""
        for tp, state in self._states():
            if state.has_valid_position:
                yield tp, state.position

    def last_fetch_at(self) -> float | None:
        """Return when Kafka last answered a fetch, in seconds since 1970; None if there is nothing to fetch."""
        return max(((state.timestamp or 0) / 1000 for _, state in self._states()), default=None)

    def positions_past_end(self) -> dict[TP, int]:
        """Return the positions that are past the end of their partition: some brokers send no error for those."""
        return {
            tp: state.position
            for tp, state in self._states()
            if state.has_valid_position and state.highwater is not None and state.position > state.highwater
        }

    def _states(self) -> Iterator[tuple[TP, Any]]:
        """Yield aiokafka's state of each partition; nothing during a rebalance."""
        subscription = self._consumer and self._consumer._subscription.subscription  # noqa: SLF001 - not public
        assignment = subscription and subscription.assignment
        for tp in assignment.tps if assignment else ():
            yield TP(*tp), assignment.state_value(tp)
