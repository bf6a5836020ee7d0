"""Shards name their parents, end where they were closed, and are read from any position."""

import pytest

from pipeline.aws.kinesis import AFTER, AT, OLDEST, DataStream
from tests.aws_server import Aws
from tests.pipeline.kinesis_streams import new_stream, put

FIRST = "shardId-000000000000"


@pytest.fixture
def stream(aws_environment: Aws) -> str:
    return new_stream(aws_environment)


def test_children_name_their_parents_and_a_closed_shard_ends(aws: Aws, stream: str) -> None:
    put(aws, stream, b"before")
    aws.client("kinesis").split_shard(StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=str(2**127))
    put(aws, stream, b"after")
    read = DataStream(stream)
    assert [shard.parents for shard in read.shards()] == [(), (FIRST,), (FIRST,)]
    closed = read.records(read.iterator(FIRST, OLDEST, ""))
    assert ([record.data for record in closed.records], closed.next) == ([b"before"], "")
    children = [read.records(read.iterator(shard.id, OLDEST, "")) for shard in read.shards()[1:]]
    assert sorted(record.data for child in children for record in child.records) == [b"after"]
    assert all(child.next and child.behind == 0 for child in children)


def test_reading_goes_on_after_a_record_or_at_a_time(aws: Aws, stream: str) -> None:
    put(aws, stream, b"1", b"2", b"3")
    read = DataStream(stream)
    first, second, _ = read.records(read.iterator(FIRST, OLDEST, "")).records
    after = read.records(read.iterator(FIRST, AFTER, first.number)).records
    assert [record.data for record in after] == [b"2", b"3"]
    since = read.records(read.iterator(FIRST, AT, first.arrival - 1000)).records
    assert [record.data for record in since] == [b"1", b"2", b"3"]
    assert first.arrival <= second.arrival
