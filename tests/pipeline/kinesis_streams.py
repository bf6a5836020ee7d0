"""Make streams of one shard, and put records into them."""

import uuid

from tests.aws_server import Aws


def new_stream(aws: Aws) -> str:
    """Create a stream of one shard with a name of its own, and return the name."""
    name = f"stream-{uuid.uuid4()}"
    make_stream(aws, name)
    return name


def make_stream(aws: Aws, name: str) -> None:
    """Create a stream of one shard."""
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})


def put(aws: Aws, stream: str, *datas: bytes) -> None:
    """Put records, one after the other."""
    for data in datas:
        aws.client("kinesis").put_record(StreamName=stream, Data=data, PartitionKey="k")
