"""The report on a dead broker says what was lost, also with a real broker that is killed."""

import asyncio
import time
from collections.abc import Callable

from kafka import KafkaProducer

from agents.embedded.broker_memory import (
    IDLE_POLL_SECONDS,
    POLL_SECONDS,
    BrokerMemory,
    describe_loss,
    pause_after,
)
from pipeline.config.settings import Settings
from pipeline.kafka.partition_lag import PartitionLag
from pipeline.kafka.topics import create_topics
from tests.brokers import broker, unused

WITHIN = 60.0


def test_events_and_dead_letters_are_told_by_partition() -> None:
    lags = [
        PartitionLag("turns.raw", 0, 0, 10, 10),
        PartitionLag("turns", 0, 0, 1_500, 300),
        PartitionLag("turns", 3, 0, 1, None),
        PartitionLag("turns.dead", 0, 0, 2, None),
    ]
    text = describe_loss(lags, "turns.dead", 0.31)
    assert "1,201 events not folded 0.3 s ago" in text
    assert "1,200 records of turns/0 (from offset 300), 1 record of turns/3 (from offset 0);" in text
    assert "2 dead letters are lost, too: 2 records of turns.dead/0 (from offset 0)" in text
    assert "turns.raw" not in text


def test_nothing_is_told_to_be_lost_where_all_was_folded() -> None:
    text = describe_loss([PartitionLag("turns", 0, 0, 10, 10)], "turns.dead", 0.2)
    assert "all their events were folded 0.2 s ago" in text
    assert "record" not in text


def test_an_idle_broker_is_polled_rarely() -> None:
    """Each poll opens connections: twice a second they would take most of what an idle stack takes."""
    before, same, more, folded = ([PartitionLag("turns", 0, 0, *ends)] for ends in [(9, 7), (9, 7), (10, 7), (9, 8)])
    assert pause_after(before, same) == IDLE_POLL_SECONDS
    assert pause_after(before, more) == pause_after(before, folded) == pause_after((), before) == POLL_SECONDS


def test_a_broker_that_died_is_told_of_as_it_was_seen_last() -> None:
    with broker() as running:
        settings = unused(Settings(kafka=(running.address,)))
        create_topics(settings)
        producer = KafkaProducer(bootstrap_servers=running.address)
        for number in range(7):
            producer.send(settings.topic_turns, b"{}", partition=number % 2).get(WITHIN)
        producer.close()
        text = asyncio.run(_seen_then_killed(BrokerMemory(settings), running.process.kill))
    assert "7 events not folded" in text
    assert f"4 records of {settings.topic_turns}/0 (from offset 0), 3 records of {settings.topic_turns}/1" in text


async def _seen_then_killed(memory: BrokerMemory, kill: Callable[[], None]) -> str:
    watching = asyncio.create_task(memory.watch())
    deadline = time.monotonic() + WITHIN
    while sum(lag.end for lag in memory._last.lags) < 7:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    kill()
    text = memory.report_loss()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return text
