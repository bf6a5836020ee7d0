"""Build the Faust app with its two agents: the one place where the chain is put together."""

import asyncio
import logging
import tempfile
from contextlib import aclosing
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust import SASLCredentials, SSLCredentials
from faust.types import TP
from faust.types.auth import CredentialsT

from agents.batcher import batched
from agents.consumer.assignor import Assignor
from agents.consumer.topic_ids import create_no_topics
from agents.consumer.transport import Transport
from agents.conversations import Conversations
from agents.flush_loop import flush_all
from agents.intake import Intake
from agents.probe_server import ProbeServer, Readiness
from agents.producer import RetryingProducer
from agents.shutdown_watchdog import exit_after
from agents.stuck import StuckWatch
from pipeline.config.fold_rules import kafka_client_id
from pipeline.config.settings import Settings
from pipeline.ingest.dlq_limit import DlqLimit
from pipeline.kafka.security import tls_context
from pipeline.metrics.worker import WorkerMetrics
from pipeline.runtime.errors import TransientError
from pipeline.runtime.gc_tuning import tune_gc
from pipeline.runtime.retry import retry_forever

STREAM_BUFFER = 4
"""Batches that Faust may hold beside the one at work: each can be a whole fetch."""

METADATA_AGE_MS = 10_000
"""After so long, partitions that were added are read; until then they only wait. Faust's default is 5 minutes."""

FETCH_BYTES = 8 * 1024 * 1024
"""Bytes of one partition in one fetch."""

log = logging.getLogger(__name__)


class App(faust.App):
    """A Faust app without tables, which needs no folders on disk, and which waits for Kafka."""

    mundane_level = "debug"
    probes: ProbeServer
    stuck: StuckWatch
    metrics: WorkerMetrics
    fatal: BaseException | None = None
    """What an agent ended with."""

    def _create_directories(self) -> None:
        pass

    def on_init_dependencies(self) -> list[Any]:
        """What is started, in this order, and stopped in the reverse one."""
        return [self.probes, self.stuck, *super().on_init_dependencies()]

    async def on_start(self) -> None:
        """Wait for Kafka, where Faust would end: the probes answer meanwhile, and say so."""
        await super().on_start()
        tune_gc()
        await self.probes.maybe_start()
        await retry_forever(self._knock, "Kafka does not answer", self.metrics.kafka)

    async def on_stop(self) -> None:
        """Stop within bounds: a part that does not end in its time must not keep the partitions from others."""
        exit_after(3 * self.transport.stop_seconds, lambda: self.fatal)
        await super().on_stop()

    async def _knock(self) -> None:
        knocking = self.producer._new_producer()  # noqa: SLF001 - it knows addresses and credentials
        try:
            await knocking.start()
        except KafkaError as trouble:
            raise TransientError(repr(trouble)) from trouble
        finally:
            await knocking.stop()

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """Faust would start the agent anew behind the batch that failed: the worker ends, so that it comes again."""
        log.critical("the %s agent cannot go on: %r", agent.name, exc)
        self.fatal = self.fatal or exc
        await self.crash(exc)
        await asyncio.Event().wait()  # until the stop cancels it: an agent started anew would miss that, and hang


def create_app(settings: Settings) -> App:
    """The app: `turns.raw` -> intake, `turns` -> conversations. Nothing is connected until it is started."""
    app = _bare_app(settings)
    create_no_topics()
    app.metrics = metrics = WorkerMetrics()
    metrics.offsets.lags.read = lambda: app.consumer.lags()  # noqa: PLW0108 - no consumer yet
    readiness = Readiness(settings, metrics, lambda: app.consumer.trouble())  # noqa: PLW0108 - as above
    app.stuck = StuckWatch(settings, metrics, lambda: app.consumer)
    app.probes = ProbeServer(settings, metrics, readiness, app.stuck)
    app.transport = Transport(
        app.conf.broker_consumer,
        app,
        stop_seconds=settings.stop_seconds,
        idempotence=settings.kafka_idempotence,
        metrics=metrics,
        assignor=Assignor(settings.topic_turns, settings.partitioner),
    )
    sender = RetryingProducer(app, metrics.kafka)
    # one account for both: what cannot be read comes by the raw topic, what can may come by the other
    limit = DlqLimit(settings.dead_letter_share, settings.dead_letter_window)
    parts = (settings, sender, metrics, limit, lambda: app.consumer.placement)
    _add_intake(app, settings, Intake(*parts))
    _add_conversations(app, settings, Conversations(*parts, holding=lambda: app.consumer.holding()))  # noqa: PLW0108 - as above
    return app


def _bare_app(settings: Settings) -> App:
    return App(
        settings.kafka_group,
        broker=[f"kafka://{address}" for address in settings.kafka],
        broker_credentials=credentials(settings),
        broker_client_id=kafka_client_id(settings),
        datadir=Path(tempfile.gettempdir()),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,  # `turnfold migrate` does that
        topic_disable_leader=True,
        consumer_auto_offset_reset="none",  # the consumer says loudly where and why it begins again
        consumer_metadata_max_age_ms=METADATA_AGE_MS,
        consumer_max_fetch_size=max(FETCH_BYTES, 2 * settings.max_message_bytes),
        broker_max_poll_records=settings.flush_events,
        broker_session_timeout=settings.kafka_session_timeout,
        broker_heartbeat_interval=settings.kafka_session_timeout / 3,
        broker_commit_interval=settings.flush_seconds,
        broker_max_poll_interval=86_400.0,  # a worker that waits for ClickHouse keeps its partitions
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
            with app.consumer.in_hand(), app.metrics.batches.flush("intake", records):
                await intake(records)
                event.ack()

    app.agent(_topic(app, settings.topic_raw), name="intake")(agent)


def _add_conversations(app: faust.App, settings: Settings, conversations: Conversations) -> None:
    epoch = 0

    async def agent(stream: Any) -> None:
        pace = settings.flush_seconds, settings.flush_events
        lists = batched(stream.noack().events(), *pace, lambda event: conversations.decode(event.message.value))
        async with aclosing(conversations), aclosing(lists):
            await flush_all(lists, conversations, app.consumer, app.metrics, lambda: epoch)

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
    """TLS, user and password, as the settings say; None where Kafka demands neither.

    Raises:
        UsageError: a file of certificates cannot be used.
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
