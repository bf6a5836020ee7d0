"""A partition is read from its position to its end offset, in batches of a bounded size."""

import asyncio
import gc
import gzip
import threading
from contextlib import aclosing
from typing import NamedTuple

import msgspec
import pytest

from pipeline.config.fold_rules import rules_digest
from pipeline.config.settings import Settings
from pipeline.kafka.bulk_consumer import Fetched
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.producer.produce import Producer
from pipeline.kafka.topics import topic_ids
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.sources.kafka import BATCH_BYTES, _divided, _joined, is_still_there, partitions, records
from pipeline.runtime.errors import UsageError
from schemas.reprocessing import Job, JobCounts, JobKind, Source, Target, WorkUnit
from tests.broker_matrix import ON_APACHE, ON_BOTH, recreate
from tests.events import raw


def job(settings: Settings, since: int | None = None, until: int | None = None) -> Job:
    ours = rules_digest(settings)
    return Job(kind=JobKind.REPLAY, into=Target.LIVE, rules=ours, topic=settings.topic_turns, since=since, until=until)


def send(settings: Settings, first: int, count: int, size: int = 0) -> None:
    """Send records of one key, so all go to one partition."""
    with Producer(settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        for number in range(first, first + count):
            producer.send(settings.topic_turns, b"key", raw(requestId=f"r{number}", inputTranscript="x" * size))
        producer.flush()


def the_source(settings: Settings, **window: int) -> Source:
    """Return the only source that has records."""
    found = partitions(settings, job(settings, **window))
    assert len(found) == settings.topic_partitions
    (source,) = [source for source in found if source.total]
    return source


def read(settings: Settings, source: Source, at: int, size: int, **window: int) -> list[InputBatch]:
    unit = WorkUnit(source=source, position=(at,), counts=JobCounts())

    async def go() -> list[InputBatch]:
        return [batch async for batch in records(settings, job(settings, **window), unit, size)]

    return asyncio.run(go())


def test_existing_records_are_read_once_and_later_ones_not(both: Settings) -> None:
    send(both, 0, 500)
    source = the_source(both)
    assert source.total == 500
    send(both, 500, 50)
    found = read(both, source, 0, 120)
    records = [record for batch in found for record in batch.raws]
    assert all(b'"r%d"' % number in record.data for number, record in enumerate(records))
    assert len(records) == 500
    assert sum(batch.done for batch in found) == sum(batch.read for batch in found) == source.total
    assert found[-1].position == source.end
    assert all(batch.read < 2 * 120 for batch in found)  # a fetch may end where a batch does not


def test_fetches_are_joined_to_batches_and_the_first_ones_are_smaller() -> None:
    """Decoding and writing wait for the first one."""
    fetches = [Fetched([b"record"] * 10, end) for end in range(10, 310, 10)]
    found = list(_joined(iter(fetches), 80))
    assert [len(one.records) for one in found] == [20, 40, 80, 80, 80]
    assert [one.next_offset for one in found] == [20, 60, 140, 220, 300]
    assert [one.next_offset for one in _joined(iter([Fetched([], 7)]), 80)] == [7]  # a span that holds no record
    assert list(_joined(iter([]), 80)) == []


def test_batches_of_large_records_are_bounded_by_their_bytes() -> None:
    large = bytes(BATCH_BYTES // 2 - 1)
    found = list(_joined((Fetched([large], end) for end in range(1, 8)), 1000))
    assert [len(one.records) for one in found] == [3, 3, 1]
    assert found[-1].next_offset == 7


class Message(NamedTuple):
    """The parts of a librdkafka message that are used."""

    packed: bytes
    at: int

    def value(self) -> bytes:
        return self.packed

    def offset(self) -> int:
        return self.at


def test_small_records_that_unpack_to_much_are_few_at_a_time() -> None:
    packed = gzip.compress(bytes(BATCH_BYTES // 2))
    fetch = Fetched([Message(packed, offset) for offset in range(5)], 9)
    found = list(_joined(_divided(iter([fetch]), BATCH_BYTES), 1000))
    assert [(len(one.records), one.next_offset) for one in found] == [(2, 2), (2, 4), (1, 9)]


@pytest.mark.parametrize("place", [0, 1, -1])
def test_another_process_resumes_after_any_batch_without_a_gap_or_an_overlap(both: Settings, place: int) -> None:
    send(both, 0, 300)
    source = the_source(both)
    before = read(both, source, 0, 70)
    at = before[place].position
    rest = read(both, source, int(at[0]), 70)
    behind = len(before) + place + 1 if place < 0 else place + 1
    expected = [one.data for batch in before[behind:] for one in batch.raws]
    assert [one.data for batch in rest for one in batch.raws] == expected


def test_the_time_window_applies_to_record_timestamps(both: Settings) -> None:
    """A broker may return any offset for a time: that must not lose or add any record."""
    send(both, 0, 20)
    everything = read(both, the_source(both), 0, 100)
    assert len(everything) == 1
    assert len(everything[0].raws) == 20
    source = the_source(both, until=1)
    found = read(both, source, int(source.begin[0]), 100, until=1)  # long before any of them
    assert [one for batch in found for one in batch.raws] == []
    assert sum(batch.done for batch in found) == source.total


def test_a_missing_topic_is_a_usage_error(kafka_settings: Settings) -> None:
    with pytest.raises(UsageError, match="there is no topic"):
        partitions(kafka_settings, job(kafka_settings))


def test_stopping_in_the_middle_closes_no_connection_under_the_reader(both: Settings) -> None:
    """A failed write ends the reading while the next fetch is under way in its thread."""
    send(both, 0, 3000, size=2000)
    source = the_source(both)
    unit = WorkUnit(source=source, position=(0,), counts=JobCounts())
    troubles: list[object] = []

    async def go() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: troubles.append(context))
        for size in (1, 7, 100, 500):
            async with aclosing(records(both, job(both), unit, size)) as found:  # type: ignore[type-var] # a generator
                await anext(found)
            gc.collect()
            await asyncio.sleep(0)
            assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader")]

    asyncio.run(go())
    gc.collect()
    assert troubles == []


@ON_BOTH
def test_each_record_has_the_id_of_its_topic(both: Settings) -> None:
    send(both, 0, 3)
    source = the_source(both)
    with open_admin(both) as kafka:
        assert topic_ids(kafka, [both.topic_turns]) == {both.topic_turns: source.topic_id}
    places = [record.place for batch in read(both, source, 0, 100) for record in batch.raws]
    assert {place.topic_id for place in places if place} == {source.topic_id}
    assert len(places) == 3


@ON_APACHE
def test_a_recreated_topic_is_not_read_on_and_not_resumed(both: Settings) -> None:
    """Its first records would be skipped, and offsets of the former one be taken for its own."""
    send(both, 0, 50)
    source = the_source(both)
    unit = WorkUnit(source=source, position=(30,), counts=JobCounts())
    assert is_still_there(both, job(both), [unit])
    recreate(both, both.topic_turns)
    send(both, 0, 60)
    with pytest.raises(UsageError, match=f"topic {both.topic_turns} was deleted and recreated"):
        read(both, source, 30, 100)
    assert not is_still_there(both, job(both), [unit])
    assert is_still_there(both, job(both), [msgspec.structs.replace(unit, finished=True)])
    without_id = msgspec.structs.replace(source, topic_id="", end=(70,))
    assert not is_still_there(both, job(both), [msgspec.structs.replace(unit, source=without_id)])
    assert is_still_there(both, job(both), [WorkUnit(source=the_source(both), position=(0,), counts=JobCounts())])
