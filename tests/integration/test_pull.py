"""Log groups, data streams and buckets of AWS end in the tables, also where pulls are killed and streams are split."""

import gzip
import random
import signal
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from tests.aws_server import Aws
from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH, examples
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE
from tests.integration.tables import assert_tables, differences
from tests.integration.traffic import BROKEN, share_of_lines

pytestmark = [ON_EMBEDDED, pytest.mark.search]  # a share of the traffic in `make test`

GROUP = "/aws/lex/TravelBot"
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def valid() -> list[bytes]:
    """Entries as a bot has logged them."""
    return [line for line in share_of_lines(seed=29, conversations=120) if line not in BROKEN]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A name that no other test uses."""
    return f"{request.node.name.replace('[', '-').replace(']', '')}-{time.time_ns()}"


def fill_group(aws: Aws, group: str, entries: Sequence[bytes], ago_ms: int = 48 * HOUR_MS) -> None:
    """Put entries into two streams, in the order of time since `ago_ms`; some share their millisecond."""
    logs = aws.client("logs")
    streams = ("live/1", "live/2")
    now = int(time.time() * 1000)
    chance = random.Random(3)  # noqa: S311 - not used for secrets
    times = sorted(chance.randrange(now - ago_ms, now) for _ in entries)
    for number, stream in enumerate(streams):
        events = [
            {"timestamp": times[at - at % 3], "message": entries[at].decode()}
            for at in range(number, len(entries), len(streams))
        ]
        for first in range(0, len(events), 100):
            logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events[first : first + 100])


def make_group(aws: Aws, group: str) -> None:
    logs = aws.client("logs")
    logs.create_log_group(logGroupName=group)
    for stream in ("live/1", "live/2"):
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


def envelope(entries: Sequence[bytes], kind: str = "DATA_MESSAGE") -> bytes:
    """What a subscription of CloudWatch Logs sends."""
    events = [{"id": str(n), "timestamp": 0, "message": one.decode()} for n, one in enumerate(entries)]
    content = {"messageType": kind, "owner": "1", "logGroup": GROUP, "logStream": "live", "logEvents": events}
    return gzip.compress(orjson.dumps(content))


def records(entries: Sequence[bytes]) -> list[dict[str, Any]]:
    return [
        {"Data": envelope(entries[at : at + 5]), "PartitionKey": uuid.uuid4().hex} for at in range(0, len(entries), 5)
    ]


@IN_SEARCH
def test_a_log_group_is_pulled_whole_and_again_without_a_change(
    parts: ComponentStack, aws: Aws, valid: list[bytes], name: str
) -> None:
    parts.start_worker()
    make_group(aws, name)
    fill_group(aws, name, valid)
    for _ in range(2):
        report = parts.report("pull", "cloudwatch", name, **aws.environ)
        assert (report["counts"]["valid"], report["counts"]["dead"], report["counts"]["failed"]) == (len(valid), 0, 0)
        parts.wait_until_folded()
        assert_tables(parts, valid)


@IN_SEARCH
def test_pulls_that_are_killed_go_on_and_follow_what_comes(
    parts: ComponentStack, aws: Aws, valid: list[bytes], name: str
) -> None:
    parts.start_worker()
    make_group(aws, name)
    half = len(valid) // 2
    fill_group(aws, name, valid[:half])
    since = datetime.now(UTC) - timedelta(hours=50)
    command = ("pull", "cloudwatch", name, "--follow", f"--limit={examples(300)}", f"--from={since:%Y-%m-%dT%H:%M}")
    for some in (1, half // 3):
        pull = parts.start(*command, **aws.environ)
        parts.wait_until(lambda some=some: parts.rows("turns") >= some, "some events")  # type: ignore[misc] # it is called at once
        pull.send_signal(signal.SIGKILL)
        pull.wait(PATIENCE)
    pull = parts.start(*command, "--processes=2", **aws.environ)
    fill_group(aws, name, valid[half:], ago_ms=30_000)
    parts.wait_until(lambda: not differences(parts, valid).events_lost, "all events")
    parts.wait_until_folded()
    assert_tables(parts, valid)
    pull.terminate()
    assert pull.wait(PATIENCE) == 128 + 2
    assert "same command resumes" in parts.log


def test_a_stream_that_splits_and_merges_is_read_to_its_end(
    parts: ComponentStack, aws: Aws, valid: list[bytes], name: str
) -> None:
    parts.start_worker()
    kinesis = aws.client("kinesis")
    name = name[-60:]
    kinesis.create_stream(StreamName=name, ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
    third = len(valid) // 3
    first = [{"Data": envelope([], "CONTROL_MESSAGE"), "PartitionKey": "0"}, *records(valid[:third])]
    kinesis.put_records(StreamName=name, Records=first)
    pull = parts.start("pull", "kinesis", name, "--follow", **aws.environ)
    time.sleep(3)
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**125))
    kinesis.put_records(StreamName=name, Records=records(valid[third : 2 * third]))
    pull.send_signal(signal.SIGKILL)
    pull.wait(PATIENCE)
    kinesis.merge_shards(
        StreamName=name, ShardToMerge="shardId-000000000002", AdjacentShardToMerge="shardId-000000000003"
    )
    kinesis.put_records(StreamName=name, Records=records(valid[2 * third :]))
    pull = parts.start("pull", "kinesis", name, "--follow", "--processes=2", **aws.environ)
    parts.wait_until(lambda: not differences(parts, valid).events_lost, "all events")
    pull.terminate()
    assert pull.wait(PATIENCE) == 128 + 2
    report = parts.report("pull", "kinesis", name, **aws.environ)
    assert (report["counts"]["valid"], report["counts"]["dead"]) == (len(valid), 0)
    parts.wait_until_folded()
    assert_tables(parts, valid)


def test_a_stream_that_was_recreated_is_read_from_its_beginning(
    parts: ComponentStack, aws: Aws, valid: list[bytes], name: str
) -> None:
    """Else the shards of the new one that the former did not have would never be read."""
    parts.start_worker()
    kinesis, name, half = aws.client("kinesis"), name[-60:], len(valid) // 2
    for shards, some in ((1, valid[:half]), (2, valid[half:])):
        kinesis.create_stream(StreamName=name, ShardCount=shards)
        kinesis.get_waiter("stream_exists").wait(StreamName=name, WaiterConfig={"Delay": 1})
        kinesis.put_records(StreamName=name, Records=records(some))
        pull = parts.start("pull", "kinesis", name, "--follow", **aws.environ)
        parts.wait_until(lambda some=some: not differences(parts, some).events_lost, "its events")  # type: ignore[misc] # it is called at once
        pull.terminate()
        pull.wait(PATIENCE)
        kinesis.delete_stream(StreamName=name)
    assert (
        f"data stream {name} was deleted and recreated, or has kept no shard, since this run began; it begins again"
        in parts.log
    )


@IN_SEARCH
@pytest.mark.parametrize("way", [[], ["--direct"]])
def test_objects_of_both_layouts_are_imported_also_where_killed(
    parts: ComponentStack, aws: Aws, valid: list[bytes], way: list[str]
) -> None:
    parts.start_worker()
    s3, bucket = aws.client("s3"), f"bucket-{time.time_ns()}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="logs/aws-logs-write-test", Body=b"Permission Check Successful")
    exported = b"".join(orjson.loads(one)["timestamp"].encode() + b" " + one + b"\n" for one in valid[::2])
    s3.put_object(Bucket=bucket, Key="logs/task/live-1/000000.gz", Body=gzip.compress(exported))
    delivered = valid[1::2]
    for hour in range(24):
        key = f"logs/2026/06/01/{hour:02d}/lex-1-2026-06-01-{hour:02d}-00-00-x"
        body = envelope(delivered[hour::48]) + envelope(delivered[hour + 24 :: 48])
        s3.put_object(Bucket=bucket, Key=key, Body=body)
    command = ("backfill", *way, f"s3://{bucket}/logs/")
    backfill = parts.start(*command, f"--limit={examples(200)}", **aws.environ)
    time.sleep(4)
    backfill.send_signal(signal.SIGKILL)
    backfill.wait(PATIENCE)
    report = parts.report(*command, "--processes=2", **aws.environ)
    assert report["counts"]["valid"] >= len(valid)
    assert (report["counts"]["dead"], report["counts"]["failed"]) == (0, 0)
    parts.wait_until_folded()
    assert_tables(parts, valid)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("pull", "cloudwatch", "/no/such/group"), "AWS has no log group /no/such/group"),
        (("pull", "cloudwatch", "/no/group", "--from", "2026-11-01"), "AWS has no log group /no/group"),
        (("pull", "kinesis", "no-such-stream"), "AWS has no data stream no-such-stream"),
        (("backfill", "s3://no-such-bucket/logs"), "AWS has no bucket no-such-bucket"),
    ],
)
def test_what_is_not_there_is_named(parts: ComponentStack, aws: Aws, command: tuple[str, ...], message: str) -> None:
    assert message in parts.run(*command, statuses=(2,), **aws.environ)


def test_a_missing_region_or_key_is_named(parts: ComponentStack, aws: Aws) -> None:
    without_region = aws.environ | {"AWS_DEFAULT_REGION": ""}
    assert "no AWS region is set" in parts.run("pull", "kinesis", "s", statuses=(2,), **without_region)
    without_keys = aws.environ | {"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"}
    assert "no usable AWS credentials" in parts.run("pull", "kinesis", "s", statuses=(2,), **without_keys)
