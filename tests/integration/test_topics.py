"""Topics that change under workers: made anew, or cut short by retention. Nothing is skipped without a word."""

import random
import urllib.request
from collections.abc import Sequence

import orjson
import pytest
from kafka import OffsetAndMetadata, TopicPartition

from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.producer.produce import Producer
from pipeline.runtime.sockets import free_port
from tests.broker_matrix import ON_APACHE, recreate
from tests.effort import IN_SEARCH
from tests.events import entry
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines

ANEW = "is no longer the one that was read"
READY = "reading "
WHO = "somebody who is erased"


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return lines(seed=29, conversations=80)


def send(parts: ComponentStack, traffic: Sequence[bytes]) -> None:
    """Send to the turns topic, to the partition of anything."""
    chance = random.Random(1)  # noqa: S311 - no secret is made of it
    with Producer(parts.settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        for line in traffic:
            producer.send(parts.settings.topic_turns, b"%d" % chance.randrange(99), line)


@ON_APACHE
def test_new_events_of_an_erased_person_in_a_topic_made_anew_are_folded(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
    """Their offsets are smaller than the former topic's end; what is sent again of the former topic stays erased."""
    parts.start_worker()
    half = len(traffic) // 2
    send(parts, [*traffic[:half], said("before"), said("unknown", "2001-01-01T00:00:00.000Z")])
    parts.wait_until_folded()
    forget(parts)
    recreate(parts.settings, parts.settings.topic_turns)
    send(parts, [*traffic[half:], said("before"), said("after", "2099-01-01T00:00:00.000Z")])
    parts.wait_until(lambda: "after" in requests(parts), "the new event")
    parts.wait_until_folded()
    assert requests(parts) == {"after"}
    parts.run("replay")
    forget(parts)
    assert requests(parts) == set(), "the offsets of the new topic count as those of the former did"
    parts.run("replay")
    assert requests(parts) == set()


def said(request: str, moment: str = "2026-06-01T00:00:00.000Z") -> bytes:
    """What the person says."""
    state = {"originatingRequestId": request}
    return orjson.dumps(entry(timestamp=moment, sessionId=WHO, requestId=request, sessionState=state))


def requests(parts: ComponentStack) -> set[str]:
    """What the tables have of the person."""
    found = parts.answers(f"SELECT request_id FROM turnfold.turns WHERE session_id = '{WHO}'")  # noqa: S608 - ours
    return {one["request_id"] for one in found}


def forget(parts: ComponentStack) -> None:
    """Erase the person."""
    parts.run("forget", "--session", WHO, "--yes")


def told(port: int, name: str) -> float:
    """The sum of a worker's samples with this beginning."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        samples = [line.decode().rsplit(" ", 1) for line in answer if line.startswith(name.encode())]
    return sum(float(value) for _, value in samples)


@ON_APACHE
@pytest.mark.parametrize("share", [30, 2])
def test_a_topic_made_anew_under_a_worker_is_read_from_its_beginning(
    parts: ComponentStack, traffic: list[bytes], share: int
) -> None:
    """Whether it soon has more records than were read of the former one, or fewer."""
    port = free_port()
    worker = parts.start_worker(TURNFOLD_WORKER_PORT=str(port))
    parts.wait_until(lambda: READY in parts.log, "a worker with partitions")
    before = len(traffic) // share
    send(parts, traffic[:before])
    parts.wait_until_folded()
    recreate(parts.settings, parts.settings.topic_turns)
    send(parts, traffic[before : before + len(traffic) // 4])
    # if the group was without the topic meanwhile, Kafka has dropped its commits, and there is nothing to reset
    parts.wait_until(lambda: ANEW in parts.log or parts.log.count(READY) >= 3, "a reset, or a new assignment")
    send(parts, traffic[before + len(traffic) // 4 :])
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    assert told(port, 'turnfold_resets_total{cause="anew"') >= (ANEW in parts.log)
    assert worker.poll() is None
    assert parts.report("status")["problems"] == {}


def test_a_commit_beyond_the_end_is_told_and_hides_no_record(parts: ComponentStack, traffic: list[bytes]) -> None:
    """Apache Kafka answers a fetch from there with an error, the embedded broker with nothing."""
    send(parts, traffic)
    partition = TopicPartition(parts.settings.topic_turns, 0)
    assert parts.lag() > 0, "the group has a coordinator by then"
    with open_admin(parts.settings) as kafka:
        kafka.alter_group_offsets(parts.settings.kafka_group, {partition: OffsetAndMetadata(50_313, "", -1)})
    assert f"{partition.topic}/0: offset 50,313 is committed" in parts.run("status", statuses=[1])
    assert next(one.lag for one in parts.lag_by_partition() if one.topic == partition.topic) > 0
    port = free_port()
    parts.start_worker(TURNFOLD_WORKER_PORT=str(port))
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    parts.wait_for_log(ANEW)
    assert told(port, 'turnfold_resets_total{cause="anew"') == 1
    assert parts.report("status")["problems"] == {}


@IN_SEARCH
@ON_APACHE
def test_records_deleted_before_they_were_read_are_told_of(parts: ComponentStack, traffic: list[bytes]) -> None:
    partition = TopicPartition(parts.settings.topic_turns, 1)
    send(parts, traffic[: len(traffic) // 2])
    lost = 3
    assert parts.lag() > 0, "the group has a coordinator by then"
    with open_admin(parts.settings) as kafka:
        kafka.alter_group_offsets(parts.settings.kafka_group, {partition: OffsetAndMetadata(0, "", -1)})
        kafka.delete_records({partition: lost})
    told_of = f"{partition.topic}/1: {lost} records were deleted before they were read"
    assert told_of in parts.run("status", statuses=[1])
    port = free_port()
    worker = parts.start_worker(TURNFOLD_WORKER_PORT=str(port))
    send(parts, traffic)
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    parts.wait_for_log(f"{lost} records of topic {partition.topic}, partition 1, offsets 0 to {lost - 1}, were deleted")
    assert told(port, "turnfold_expired_records_total") == lost
    assert told(port, 'turnfold_resets_total{cause="expired"') == 1
    assert worker.poll() is None
    assert parts.report("status")["problems"] == {}
