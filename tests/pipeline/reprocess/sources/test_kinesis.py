"""Shards are read as far as they go, and their children once they have ended."""

import asyncio

import msgspec
import pytest

from pipeline.aws.kinesis import AFTER, CLOSED
from pipeline.config.settings import Settings
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.sources.kinesis import StreamReader, is_same_stream, job_for_recreated, shards
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Pull, Source, Target, WorkUnit
from tests.aws_server import Aws
from tests.pipeline.kinesis_aggregation import aggregate
from tests.pipeline.kinesis_streams import make_stream, new_stream, put

FIRST = "shardId-000000000000"


@pytest.fixture
def stream(aws_environment: Aws) -> str:
    return new_stream(aws_environment)


def job(stream: str, *, follow: bool = False, latest: bool = False) -> Job:
    pull = Pull(of=stream, endpoint="", follow=follow, latest=latest)
    return Job(kind=JobKind.KINESIS, into=Target.KAFKA, rules=JobRules("", ()), pull=pull)


def unit(source: Source) -> WorkUnit:
    return WorkUnit(source=source, position=source.begin, counts=JobCounts())


def datas(batches: list[InputBatch]) -> list[bytes]:
    return [raw.data for batch in batches for raw in batch.raws]


def test_an_open_shard_is_read_to_its_present_end_and_goes_on_there(aws: Aws, stream: str) -> None:
    put(aws, stream, b"1", b"2", b"3")
    (source,) = shards(job(stream))
    reader = StreamReader(Settings(), job(stream, follow=True))
    batches = list(reader._read(unit(source), 2))
    assert datas(batches) == [b"1", b"2", b"3"]
    assert [batch.read for batch in batches] == [2, 1]
    read = msgspec.structs.replace(unit(source), position=batches[-1].position)
    assert (read.position[0], reader.is_finished(read)) == (AFTER, False)
    assert StreamReader(Settings(), job(stream)).is_finished(read)
    put(aws, stream, b"4")
    assert datas(list(reader._read(read, 2))) == [b"4"]
    assert asyncio.run(reader.successors(read)) == ()


def test_a_closed_shard_is_followed_by_its_children(aws: Aws, stream: str) -> None:
    put(aws, stream, b"1")
    (source,) = shards(job(stream))
    aws.client("kinesis").split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    reader = StreamReader(Settings(), job(stream, follow=True))
    batches = list(reader._read(unit(source), 10))
    ended = msgspec.structs.replace(unit(source), position=batches[-1].position)
    assert (datas(batches), ended.position, reader.is_finished(ended)) == ([b"1"], (CLOSED, ""), True)
    assert list(reader._read(ended, 10)) == []
    found = asyncio.run(reader.successors(ended))
    assert [one.after for one in found] == [(), (FIRST,), (FIRST,)]


def test_latest_skips_what_was_there(aws: Aws, stream: str) -> None:
    put(aws, stream, b"1")
    (source,) = shards(job(stream, follow=True, latest=True))
    put(aws, stream, b"2")
    assert datas(list(StreamReader(Settings(), job(stream, follow=True))._read(unit(source), 10))) == [b"2"]


def test_aggregated_records_are_read_one_by_one_and_resumed_behind_all(aws: Aws, stream: str) -> None:
    put(aws, stream, aggregate([b"1", b"2", b""]), b"3", aggregate([b"4"]), b"\xf3\x89\x9a\xc2 and no digest")
    (source,) = shards(job(stream))
    batches = list(StreamReader(Settings(), job(stream, follow=True))._read(unit(source), 1))
    assert datas(batches) == [b"1", b"2", b"3", b"4", b"\xf3\x89\x9a\xc2 and no digest"]
    assert [batch.read for batch in batches] == [1, 1, 1, 1]
    origins = [raw.origin for raw in batches[0].raws]
    assert [origin.rpartition("[")[2] for origin in origins] == ["1]", "2]"]
    assert len({origin.rpartition("[")[0] for origin in origins}) == 1
    resumed = msgspec.structs.replace(unit(source), position=batches[0].position)
    again = StreamReader(Settings(), job(stream, follow=True))._read(resumed, 100)
    assert datas(list(again)) == [b"3", b"4", b"\xf3\x89\x9a\xc2 and no digest"]


def test_aggregated_records_that_are_too_large_are_taken_apart_further(aws: Aws, stream: str) -> None:
    put(aws, stream, aggregate([b'{"a":1}\n{"b":2}', b"3"]))
    (source,) = shards(job(stream))
    reader = StreamReader(Settings(max_message_bytes=10), job(stream, follow=True))
    assert datas(list(reader._read(unit(source), 100))) == [b'{"a":1}', b'{"b":2}', b"3"]


def test_a_recreated_stream_is_told_from_the_former_one(aws: Aws, stream: str) -> None:
    put(aws, stream, b"1")
    (source,) = shards(job(stream))
    assert is_same_stream(job(stream), [unit(source)])
    aws.client("kinesis").split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    assert is_same_stream(job(stream), [unit(source)]), "it only has more shards"
    aws.client("kinesis").delete_stream(StreamName=stream)
    make_stream(aws, stream)
    assert not is_same_stream(job(stream), [unit(source)])
    assert not is_same_stream(job(stream), [unit(msgspec.structs.replace(source, of="shardId-000000000007"))])
    of_earlier_version = msgspec.structs.replace(source, first="")
    assert is_same_stream(job(stream), [unit(of_earlier_version)])


def test_all_of_a_recreated_stream_came_after_the_latest_of_the_former(aws: Aws, stream: str) -> None:
    put(aws, stream, b"1")
    begun = job(stream, follow=True, latest=True)
    (source,) = shards(job_for_recreated(begun, 1_000))
    assert datas(list(StreamReader(Settings(), begun)._read(unit(source), 10))) == [b"1"]
    assert job_for_recreated(job(stream), 1_000) == job(stream)
