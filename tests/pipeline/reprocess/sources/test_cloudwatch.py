"""A log group is read in windows that resume at a page, and followed with an overlap for late events."""

import itertools
import time
import uuid
from collections.abc import Iterator

import msgspec
import pytest

from pipeline.aws import cloudwatch as api
from pipeline.config.settings import Settings
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.sources import cloudwatch
from pipeline.reprocess.sources.cloudwatch import HOUR_MS, TAIL, LogGroupReader, windows
from pipeline.runtime.errors import UsageError
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Pull, Source, Target, WorkUnit
from tests.aws_server import Aws

STREAM = "live"


@pytest.fixture
def group(aws_environment: Aws) -> str:
    name = f"group-{uuid.uuid4()}"
    logs = aws_environment.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName=STREAM)
    return name


def put(aws: Aws, group: str, *times: int) -> None:
    events = [{"timestamp": time, "message": str(time)} for time in times]
    aws.client("logs").put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=events)


def job(group: str, since: int | None = None, until: int | None = None, *, follow: bool = False) -> Job:
    pull = Pull(of=group, endpoint="", follow=follow)
    rules = JobRules("", ())
    return Job(kind=JobKind.CLOUDWATCH, into=Target.KAFKA, rules=rules, since=since, until=until, pull=pull)


def unit(source: Source) -> WorkUnit:
    return WorkUnit(source=source, position=source.begin, counts=JobCounts())


def messages(batches: Iterator[InputBatch] | list[InputBatch]) -> list[int]:
    return [int(raw.data) for batch in batches for raw in batch.raws]


def test_windows_cover_the_time_without_a_gap_and_the_tail_comes_last(group: str) -> None:
    until = int(time.time() * 1000)
    found = windows(job(group, until - 3 * HOUR_MS - 5, until))
    assert next((one.begin[0], one.end[0]) for one in found) == (until - 3 * HOUR_MS - 5, until - 2 * HOUR_MS - 5)
    assert all(one.end[0] == other.begin[0] for one, other in itertools.pairwise(found))
    assert (len(found), found[-1].end, sum(one.total for one in found)) == (4, (until,), 3 * HOUR_MS + 5)
    followed = windows(job(group, until - 1000 * HOUR_MS, follow=True))
    assert len(followed) == 21
    assert followed[-1].name == TAIL
    assert followed[-1].after == tuple(one.name for one in followed[:-1])


def test_a_window_resumes_at_its_page_or_at_its_beginning_if_the_token_has_expired(
    aws: Aws, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = int(time.time() * 1000)
    put(aws, group, *range(now - 10, now))
    monkeypatch.setattr(cloudwatch, "REQUESTS_PER_SECOND", 1000.0)
    (window,) = windows(job(group, now - 10, now))
    reader = LogGroupReader(Settings(), job(group, now - 10, now), lambda: 1)
    first, *rest = reader._read_window(unit(window), 4)
    assert messages([first, *rest]) == list(range(now - 10, now))
    resumed = msgspec.structs.replace(unit(window), position=first.position)
    assert messages(reader._read_window(resumed, 4)) == list(range(now - 6, now))
    done = msgspec.structs.replace(unit(window), position=rest[-1].position)
    assert list(reader._read_window(done, 4)) == []
    assert sum(batch.done for batch in (first, *rest)) == window.total
    assert reader.is_finished(unit(window))

    request = reader._group.page

    def page(since: int, until: int, token: str = "", limit: int = 4) -> api.Page:
        if token == "old":
            raise api.ExpiredTokenError
        return request(since, until, token, limit)

    monkeypatch.setattr(reader._group, "page", page)
    expired = msgspec.structs.replace(unit(window), position=(now - 5, "old"))
    assert messages(reader._read_window(expired, 4)) == list(range(now - 10, now))


def test_an_empty_page_is_not_the_end(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """moto has no empty pages, AWS has."""
    event = api.LogEvent("1", STREAM, 5, "5")
    pages = iter([api.Page([], "a"), api.Page([], "b"), api.Page([event], "")])
    reader = LogGroupReader(Settings(), job(group), lambda: 1)
    monkeypatch.setattr(reader._group, "page", lambda *_: next(pages))
    read = list(reader._read_window(unit(Source("w", "", (0, ""), (9,), 9)), 10))
    assert [batch.position for batch in read] == [(0, "a"), (0, "b"), (9, "")]
    assert messages(read) == [5]


def test_what_comes_late_is_found_and_nothing_is_sent_twice(
    aws: Aws, group: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cloudwatch, "REQUESTS_PER_SECOND", 1000.0)
    monkeypatch.setattr(cloudwatch, "POLL_S", 0.0)
    monkeypatch.setattr(cloudwatch, "SETTLE_MS", 0)
    begin = int(time.time() * 1000)
    put(aws, group, begin - 2000, begin - 1000)
    reader = LogGroupReader(Settings(), job(group, follow=True), lambda: 1)
    tail = unit(Source(TAIL, group, (begin, begin), (), 0))
    following = reader._follow(tail, 100)
    assert messages([next(following)]) == [begin - 2000, begin - 1000]
    assert messages([next(following)]) == []
    put(aws, group, begin - 300_000)
    put(aws, group, begin - 1)
    batch = next(following)
    assert messages([batch]) == [begin - 300_000, begin - 1]
    resumed = reader._follow(msgspec.structs.replace(tail, position=batch.position), 100)
    assert len(messages([next(resumed)])) == 4  # what was read may not have been sent
    assert not reader.is_finished(tail)


def test_processes_share_the_requests(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    reader = LogGroupReader(Settings(), job(group), lambda: 2)
    monkeypatch.setattr("pipeline.reprocess.sources.cloudwatch.time.sleep", slept.append)
    for _ in range(3):
        reader._pace()
    assert slept[0] == 0
    assert slept[1] == pytest.approx(0.4, abs=0.1)


@pytest.mark.usefixtures("aws_environment")
def test_a_group_that_does_not_exist_is_named_at_once() -> None:
    with pytest.raises(UsageError, match="AWS has no log group /none"):
        windows(job("/none", 0, 1))
