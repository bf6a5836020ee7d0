"""Build the Faust app with its two agents. All parts of a worker are assembled here."""

import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust import SASLCredentials, SSLCredentials
from faust.types import TP
from faust.types.auth import CredentialsT

from agents.batcher import batched
from agents.consumer.assignor import Assignor
from agents.consumer.records import use_kafka_records
from agents.consumer.responses import collect_responses
from agents.consumer.topic_ids import create_no_topics
from agents.consumer.transport import Transport
from agents.flush_loop import flush_all
from agents.flush_pace import FlushPace
from agents.forwarding import Forwarder
from agents.intake import Intake
from agents.probe_server import ProbeServer, Readiness
from agents.producer import DeadLetterProducer, RetryingProducer
from agents.watchdog import StuckWatch, exit_after
from pipeline.config.fold_rules import kafka_client_id
from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.kafka.client.connection import tls_context
from pipeline.materialise.flush import ConversationFlusher
from pipeline.materialise.turn_records import PlacementSource, RecordDecoder
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.errors import TransientError
from pipeline.runtime.process import tune_gc
from pipeline.runtime.retry import retry_forever

POLLS_A_FLUSH = 4
"""Polls of the consumer that a full flush takes: records that wait are memory, a third of a worker's."""

STREAM_BUFFER = 3
"""Batches that Faust may buffer besides those being processed; each can be a whole poll."""

METADATA_AGE_MS = 10_000
"""Milliseconds until partitions that were added are noticed and read. Faust's default is 5 minutes."""

FETCH_BYTES = 8 * 1024 * 1024
"""Largest number of bytes that one fetch returns from one partition."""

log = logging.getLogger(__name__)


class App(faust.App):
    """A Faust app that waits for Kafka. It has no tables, so it needs no directories on disk."""

    mundane_level = "debug"
    probes: ProbeServer
    stuck: StuckWatch
    metrics: WorkerMetrics
    fatal: BaseException | None = None
    """The error that ended an agent."""

    def _create_directories(self) -> None:
        pass

    def on_init_dependencies(self) -> list[Any]:
        """Return the services in the order in which they start; they stop in reverse order."""
        return [self.probes, self.stuck, *super().on_init_dependencies()]

    async def on_start(self) -> None:
        """Wait for Kafka instead of ending as Faust would; meanwhile the probes answer and report it."""
        await super().on_start()
        tune_gc()
        await self.probes.maybe_start()
        await retry_forever(self._check_kafka, "Kafka does not answer", self.metrics.kafka)

    async def on_stop(self) -> None:
        """Stop within a limited time: a service that hangs must not keep the partitions from other workers."""
        exit_after(3 * self.transport.stop_seconds, lambda: self.fatal)
        await super().on_stop()

    async def _check_kafka(self) -> None:
        producer = self.producer._new_producer()  # noqa: SLF001 - it knows addresses and credentials
        try:
            await producer.start()
        except KafkaError as error:
            raise TransientError(repr(error)) from error
        finally:
            await producer.stop()

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """End the worker, so that the failed batch is read again: Faust would restart the agent after that batch."""
        log.critical("the %s agent cannot continue: %r", agent.name, exc)
        self.fatal = self.fatal or exc
        await self.crash(exc)
        await asyncio.Event().wait()  # until the stop cancels it: a restarted agent would miss the stop and hang


def create_app(settings: Settings) -> App:
    """Create the app: `turns.raw` -> intake, `turns` -> conversations. It connects to nothing before it is started."""
    app = _bare_app(settings)
    _adapt_aiokafka(lambda topic: app.consumer.topic_id(topic))  # noqa: PLW0108 - no consumer yet
    app.metrics = metrics = WorkerMetrics()
    metrics.offsets.lags.read = lambda: app.consumer.lags()  # noqa: PLW0108 - as above
    readiness = Readiness(settings, metrics, lambda: app.consumer.unavailable_reason())  # noqa: PLW0108 - as above
    app.stuck = StuckWatch(settings, metrics, lambda: app.consumer)
    app.probes = ProbeServer(settings, metrics, readiness, app.stuck)
    app.transport = Transport(
        app.conf.broker_consumer,
        app,
        stop_seconds=settings.stop_seconds,
        idempotence=settings.kafka_idempotence,
        fetch_waits=(settings.kafka_fetch_wait_busy or settings.kafka_fetch_wait, settings.kafka_fetch_wait),
        metrics=metrics,
        assignor=Assignor(settings.topic_turns, settings.partitioner),
    )
    producer = RetryingProducer(app, metrics.kafka)
    # shared by both agents: unreadable inputs come from the raw topic, while valid ones may come from the other
    limit = DlqLimit(settings.dead_letter_share, settings.dead_letter_window)
    placement: PlacementSource = lambda: app.consumer.placement  # noqa: E731 - as above
    _add_intake(app, settings, Intake(settings, producer, metrics, limit, placement))
    flusher = ConversationFlusher(
        settings,
        DeadLetterProducer(settings, producer),
        Forwarder(settings.topic_turns, producer, metrics),
        metrics,
        limit,
        generation=lambda: app.consumer.confirmed_generation(),  # noqa: PLW0108 - as above
        group=lambda: app.consumer.worker_group(settings),
        is_recreated=lambda topic, topic_id: app.consumer.is_recreated(topic, topic_id),  # noqa: PLW0108 - as above
    )
    _add_conversations(app, settings, RecordDecoder(EventDecoder.of(settings), placement, metrics), flusher)
    return app


def _adapt_aiokafka(topic_id: Callable[[str], str]) -> None:
    create_no_topics()
    collect_responses()
    use_kafka_records(topic_id)


def _bare_app(settings: Settings) -> App:
    return App(
        settings.kafka_group,
        broker=[f"kafka://{address}" for address in settings.kafka],
        broker_credentials=credentials(settings),
        broker_client_id=kafka_client_id(settings),
        datadir=Path(tempfile.gettempdir()),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,  # `turnfold migrate` creates the topics
        topic_disable_leader=True,
        consumer_auto_offset_reset="none",  # the consumer resets offsets itself, and logs where and why
        consumer_metadata_max_age_ms=METADATA_AGE_MS,
        consumer_max_fetch_size=max(FETCH_BYTES, 2 * settings.max_message_bytes),
        broker_max_poll_records=max(1, settings.flush_events // POLLS_A_FLUSH),
        broker_check_crcs=False,  # `check_fetches` has checked each batch, with the processor's own instruction
        broker_session_timeout=settings.kafka_session_timeout,
        broker_heartbeat_interval=settings.kafka_session_timeout / 3,
        broker_commit_interval=settings.flush_seconds,
        broker_max_poll_interval=86_400.0,  # a worker that waits for ClickHouse must keep its partitions
        producer_acks=-1,
        producer_linger=0.005,
        producer_max_request_size=settings.max_message_bytes + 131_072,
        stream_buffer_maxsize=STREAM_BUFFER,
        stream_wait_empty=True,
        worker_redirect_stdouts=False,
    )


def _add_intake(app: faust.App, settings: Settings, intake: Intake) -> None:
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            records = event.message.value
            with app.consumer.processing(), app.metrics.batches.flush("intake", records):
                await intake(records)
                event.ack()

    app.agent(_topic(app, settings.topic_raw), name="intake")(agent)


def _add_conversations(app: faust.App, settings: Settings, decode: RecordDecoder, flusher: ConversationFlusher) -> None:
    epoch = 0

    async def agent(stream: Any) -> None:
        pace = FlushPace(settings.flush_seconds, lambda: app.consumer.workers(settings.topic_turns))
        events = stream.noack().events()
        batches = batched(events, pace.seconds, settings.flush_events, lambda event: decode(event.message.value))

        @contextmanager
        def measured(records: list[Any]) -> Iterator[None]:
            with app.metrics.batches.flush("conversations", records), pace.flush():
                yield

        async with aclosing(flusher), aclosing(batches):
            await flush_all(batches, flusher, app.consumer, measured, lambda: epoch)

    async def assigned(_: faust.App, partitions: set[TP], **__: Any) -> None:
        nonlocal epoch
        epoch += 1
        log.info(
            "reading %d partitions", len(partitions), extra={"partitions": sorted(f"{t}/{n}" for t, n in partitions)}
        )

    app.agent(_topic(app, settings.topic_turns), name="conversations")(agent)
    app.on_partitions_assigned.connect(assigned, weak=False)


def _topic(app: faust.App, name: str) -> Any:
    return app.topic(name, key_serializer="raw", value_serializer="raw")


def credentials(settings: Settings) -> CredentialsT | None:
    """Return the TLS context, user and password from the settings; None if Kafka needs neither.

    Raises:
        UsageError: a certificate file cannot be used.
    """
    tls = tls_context(settings)
    if settings.kafka_sasl:
        return SASLCredentials(
            username=settings.kafka_user,
            password=settings.kafka_password,
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=tls,
        )
    return SSLCredentials(tls) if tls else None
