"""A window of a log group is read page by page, and nothing else is."""

import time
import uuid

import pytest

from pipeline.aws.cloudwatch import DAY_MS, LATE_MS, LogGroup
from pipeline.runtime.errors import UsageError
from tests.aws_server import REGION, Aws

ACCOUNT = "123456789012"
"""The account of moto."""


@pytest.fixture
def group(aws_environment: Aws) -> str:
    name = f"group-{uuid.uuid4()}"
    logs = aws_environment.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_group(logGroupName=f"{name}-other")
    return name


def put(aws: Aws, group: str, stream: str, times: list[int]) -> None:
    logs = aws.client("logs")
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": time, "message": f"{stream} {time}"} for time in times]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_a_window_has_its_beginning_and_not_its_end(aws: Aws, group: str) -> None:
    now = int(time.time() * 1000)
    put(aws, group, "a", [now - 3, now - 2, now - 2, now - 1])
    found = LogGroup(group).page(now - 3, now - 1)
    assert [event.timestamp - now for event in found.events] == [-3, -2, -2]
    assert len({event.id for event in found.events}) == 3
    assert found.token == ""


def test_pages_follow_one_another_by_their_tokens(aws: Aws, group: str) -> None:
    now = int(time.time() * 1000)
    put(aws, group, "a", [now - 5] * 5)
    log_group, found, token = LogGroup(group), list[str](), ""
    for _ in range(3):
        page = log_group.page(now - 10, now, token, limit=2)
        token = page.token
        found += [event.id for event in page.events]
    assert (len(set(found)), token) == (5, "")


def test_only_streams_with_the_prefix_are_read(aws: Aws, group: str) -> None:
    now = int(time.time() * 1000)
    put(aws, group, "live/1", [now - 5])
    put(aws, group, "test/1", [now - 5])
    assert [event.stream for event in LogGroup(group, "live/").page(now - 10, now).events] == ["live/1"]


def test_a_group_begins_before_its_creation_and_after_its_retention(aws: Aws, group: str) -> None:
    now = int(time.time() * 1000)
    assert abs(LogGroup(group).beginning(now) - (now - LATE_MS)) < 60_000
    aws.client("logs").put_retention_policy(logGroupName=group, retentionInDays=7)
    assert LogGroup(group).beginning(now) == now - 7 * DAY_MS


def test_an_unknown_group_is_named(aws_environment: Aws) -> None:
    with pytest.raises(UsageError, match="AWS has no log group /none"):
        LogGroup("/none").beginning(0)
    assert LogGroup("/none").endpoint == aws_environment.url


@pytest.mark.parametrize("ending", ["", ":*"])
def test_a_group_may_be_named_by_its_arn(aws: Aws, group: str, ending: str) -> None:
    """With or without the ending that AWS's console shows, and that it does not take back."""
    now = int(time.time() * 1000)
    put(aws, group, "a", [now - 5])
    by_arn = LogGroup(f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}{ending}")
    assert [event.stream for event in by_arn.page(now - 10, now).events] == ["a"]
    assert by_arn.beginning(now) == LogGroup(group).beginning(now)


@pytest.mark.usefixtures("aws_environment")
def test_an_arn_of_another_group_is_refused(group: str) -> None:
    with pytest.raises(UsageError, match="is in another region: set AWS_DEFAULT_REGION=eu-west-1"):
        LogGroup(f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:{group}")
    with pytest.raises(UsageError, match="is not the ARN of a log group: arn:aws:logs:REGION:ACCOUNT:log-group:NAME"):
        LogGroup("arn:aws:kinesis:us-east-1:123456789012:stream/a")
    with pytest.raises(UsageError, match="AWS has no log group arn:aws:logs"):
        LogGroup(f"arn:aws:logs:{REGION}:999999999999:log-group:{group}").beginning(0)
