"""Every session has one writer, wherever producers put its events, and while partitions are added."""

import random
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import orjson
import pytest
from confluent_kafka import Producer

from pipeline.kafka.client.kafka_python import open_admin
from tests.broker_matrix import ON_APACHE
from tests.effort import IN_SEARCH, OF_ENGINE
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE
from tests.integration.tables import assert_tables
from tests.integration.traffic import BROKEN, share_of_lines

pytestmark = pytest.mark.search  # a share of the traffic in `make test`

SMALL = {"TURNFOLD_FLUSH_SECONDS": "0.05", "TURNFOLD_FLUSH_EVENTS": "20"}
"""Many small flushes, so that workers meet in conversations."""
PARTITIONERS = ("consistent_random", "murmur2_random", "fnv1a_random", "random")
SAID = "are in partitions that their sessions do not belong in"


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return share_of_lines(seed=23, conversations=150, share=OF_ENGINE)


@contextmanager
def producers(parts: ComponentStack) -> Iterator[list[Producer]]:
    """One with each partitioner, all acknowledged at the end of the block."""
    options = {"bootstrap.servers": ",".join(parts.settings.kafka), "linger.ms": 5}
    opened = [Producer({**options, "partitioner": name}) for name in PARTITIONERS]
    yield opened
    assert sum(one.flush(PATIENCE) for one in opened) == 0


def scatter(parts: ComponentStack, traffic: Sequence[bytes], chance: random.Random) -> None:
    """Send each event by any of the producers: keyed by its session, by something else, or not at all."""
    with producers(parts) as opened:
        for line in traffic:
            session = "" if line in BROKEN else orjson.loads(line)["sessionId"]
            key = chance.choice([session, session, session, None, "another"])
            headers = [("traceparent", b"00-1"), ("turnfold-forwarded", b"no number")]
            chance.choice(opened).produce(parts.settings.topic_turns, key=key, value=line, headers=headers)


def forwarded(parts: ComponentStack) -> int:
    """How many `status` says."""
    return int(parts.report("status")["forwarded"])


def test_sessions_scattered_over_partitions_are_folded_by_one_worker_each(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
    workers = [parts.start_worker(**SMALL), parts.start_worker(**SMALL)]
    parts.wait_until(lambda: len(re.findall("reading [1-9]", parts.log)) >= 2, "two workers with partitions")
    scatter(parts, traffic, random.Random(1))  # noqa: S311 - no secret is made of it
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    assert forwarded(parts) > len(traffic) // 4
    assert 1 <= parts.log.count(SAID) <= len(workers)
    for table in ("turns", "conversations"):
        parts.ask(f"TRUNCATE TABLE turnfold.{table}")
    parts.run("replay", "--processes=2")
    assert_tables(parts, traffic)
    parts.run("replay", "--processes=2", "--into=new", "--swap")
    assert_tables(parts, traffic)


@IN_SEARCH
@ON_APACHE
def test_partitions_added_under_traffic_change_no_row(parts: ComponentStack, traffic: list[bytes]) -> None:
    chance = random.Random(2)  # noqa: S311 - no secret is made of it
    workers = [parts.start_worker(**SMALL), parts.start_worker(**SMALL)]
    parts.wait_until(lambda: "reading " in parts.log, "a worker with partitions")
    scatter(parts, traffic[::2], chance)
    with open_admin(parts.settings) as kafka:
        kafka.create_partitions({parts.settings.topic_turns: 7})
    scatter(parts, traffic[1::2], chance)
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    read = {one.partition for one in parts.lag_by_partition() if one.topic == parts.settings.topic_turns}
    assert read == set(range(7))
    assert all(worker.poll() is None for worker in workers)
