"""Settings in, the Faust app with its two agents out: the one place where the chain is put together."""

import logging
import tempfile
from pathlib import Path
from typing import Any

import faust

from agents.conversations import Conversations
from agents.gather import gathered
from agents.intake import Intake
from agents.sender import Sender
from agents.transport import Transport
from pipeline.settings import Settings

STREAM_BUFFER = 4
"""Batches that Faust may hold beside the one at work: each can be a whole fetch."""

FETCH_BYTES = 8 * 1024 * 1024
"""Bytes of one partition in one fetch."""

log = logging.getLogger(__name__)


class App(faust.App):
    """A Faust app without tables, which needs no folders on disk."""

    def _create_directories(self) -> None:
        pass

    async def _on_agent_error(self, agent: Any, exc: BaseException) -> None:
        """Faust would start the agent anew behind the batch that failed: the worker ends, so that it comes again."""
        log.critical("the %s agent cannot go on: %r", agent.name, exc)
        await self.crash(exc)


def create_app(settings: Settings) -> faust.App:
    """The app: `turns.raw` -> intake, `turns` -> conversations. Nothing is connected until it is started."""
    app = App(
        settings.kafka_group,
        broker=[f"kafka://{address}" for address in settings.kafka],
        datadir=Path(tempfile.gettempdir()),
        store="memory://",
        web_enabled=False,
        topic_allow_declare=False,  # `turnfold migrate` does that
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
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
    app.transport = Transport(app.conf.broker_consumer, app, stop_seconds=settings.stop_seconds)
    sender = Sender(app)
    _add_intake(app, settings, Intake(settings, sender))
    _add_conversations(app, settings, Conversations(settings, sender))
    return app


def _add_intake(app: faust.App, settings: Settings, intake: Intake) -> None:
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            with app.consumer.in_hand():
                await intake(event.message.value)
                event.ack()

    app.agent(_topic(app, settings.topic_raw), name="intake")(agent)


def _add_conversations(app: faust.App, settings: Settings, conversations: Conversations) -> None:
    epoch = 0

    async def agent(stream: Any) -> None:
        async for events in gathered(stream.noack().events(), settings.flush_seconds, settings.flush_events):
            # what an earlier assignment delivered comes again, here or elsewhere
            current = [event for event in events if event.message.generation_id == app.consumer_generation_id]
            with app.consumer.in_hand():
                await conversations([record for event in current for record in event.message.value], epoch)
                for event in current:
                    event.ack()

    async def assigned(*_: Any, **__: Any) -> None:
        nonlocal epoch
        epoch += 1

    async def close(*_: Any, **__: Any) -> None:
        await conversations.close()

    app.agent(_topic(app, settings.topic_turns), name="conversations")(agent)
    app.on_partitions_assigned.connect(assigned, weak=False)
    app.on_before_shutdown.connect(close, weak=False)


def _topic(app: faust.App, name: str) -> Any:
    return app.topic(name, key_serializer="raw", value_serializer="raw")
