"""Objects are read in ranges of keys that resume within an object, and only those of the hours that are wanted."""

import io
import uuid
from datetime import UTC, datetime

import hypothesis.strategies as st
import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from pyarrow import parquet

from pipeline.aws.s3 import Bucket, S3Object
from pipeline.config.settings import Settings
from pipeline.reprocess.sources import s3
from pipeline.reprocess.sources.s3 import HourWindow, range_batches, ranges
from pipeline.runtime.errors import UsageError
from schemas.reprocessing import JobCounts, WorkUnit
from tests.aws_server import Aws

ALWAYS = HourWindow(None, None)
HOUR = 3_600_000


@pytest.fixture
def url(aws_environment: Aws) -> str:
    """Five objects of three lines each, and two that are skipped."""
    bucket = f"bucket-{uuid.uuid4()}"
    client = aws_environment.client("s3")
    client.create_bucket(Bucket=bucket)
    for number in range(5):
        lines = "".join(f'{{"object":{number},"line":{line}}}\n' for line in range(3))
        client.put_object(Bucket=bucket, Key=f"logs/{number}", Body=lines.encode())
    client.put_object(Bucket=bucket, Key="logs/aws-logs-write-test", Body=b"Permission Check Successful")
    client.put_object(Bucket=bucket, Key="logs/empty", Body=b"")
    return f"s3://{bucket}/logs/"


def test_ranges_are_read_whole_and_resume_within_an_object(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "RANGE_OBJECTS", 2)
    found = ranges(url, ALWAYS)
    assert [(source.begin, source.end) for source in found] == [
        (("logs/0", 0), ("logs/1",)),
        (("logs/2", 0), ("logs/3",)),
        (("logs/4", 0), ("logs/4",)),
    ]
    units = [WorkUnit(source=source, position=source.begin, counts=JobCounts()) for source in found]
    read = [list(range_batches(Settings(), ALWAYS, unit, 2)) for unit in units]
    origins = [raw.origin for batches in read for batch in batches for raw in batch.raws]
    assert origins == [f"{url}{number}:{line}" for number in range(5) for line in (1, 2, 3)]
    assert sum(batch.done for batches in read for batch in batches) == sum(source.total for source in found)
    resumed = msgspec.structs.replace(units[0], position=read[0][0].position)
    again = [raw.origin for batch in range_batches(Settings(), ALWAYS, resumed, 2) for raw in batch.raws]
    assert again == origins[2:6]


def test_large_objects_are_streamed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "SMALL", 0)
    (source,) = ranges(url, ALWAYS)
    unit = WorkUnit(source=source, position=source.begin, counts=JobCounts())
    assert sum(batch.read for batch in range_batches(Settings(), ALWAYS, unit, 100)) == 15


@pytest.mark.parametrize("small", [0, s3.SMALL])
def test_parquet_is_read(url: str, aws_environment: Aws, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(s3, "SMALL", small)
    table = io.BytesIO()
    parquet.write_table(pa.table({"message": ["one", "two"]}), table)
    bucket = url.split("/")[2]
    aws_environment.client("s3").put_object(Bucket=bucket, Key="tables/a.parquet", Body=table.getvalue())
    (source,) = ranges(f"s3://{bucket}/tables/", ALWAYS)
    unit = WorkUnit(source=source, position=source.begin, counts=JobCounts())
    (batch,) = range_batches(Settings(), ALWAYS, unit, 100)
    assert [(raw.data, raw.problem) for raw in batch.raws] == [(b"one", ""), (b"two", "")]
    assert batch.done == source.total


def test_an_object_that_cannot_be_read_is_a_problem_and_the_others_are_read(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source,) = ranges(url, ALWAYS)
    unit = WorkUnit(source=source, position=source.begin, counts=JobCounts())
    opened = Bucket.open

    def archived(bucket: Bucket, found: S3Object) -> object:
        return opened(bucket, msgspec.structs.replace(found, etag='"0"') if found.key == "logs/2" else found)

    monkeypatch.setattr(Bucket, "open", archived)
    batches = list(range_batches(Settings(), ALWAYS, unit, 100))
    problems = [raw.problem for batch in batches for raw in batch.raws if raw.problem]
    assert len(problems) == 1
    assert "Precondition" in problems[0]
    assert sum(not raw.problem for batch in batches for raw in batch.raws) == 12


def test_a_prefix_without_objects_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="holds no object to read"):
        ranges(f"{url}none", ALWAYS)


@given(st.integers(0, 4_000_000), st.integers(-10, 10), st.integers(0, 10))
def test_an_object_is_chosen_if_an_event_of_the_window_may_be_in_it(hour: int, offset: int, length: int) -> None:
    """Firehose delivers an event up to three hours late."""
    time = datetime.fromtimestamp(hour * 3600, UTC)
    since = (hour + offset) * HOUR
    window = HourWindow(since, since + length * HOUR + 1)
    held = any(
        since <= (hour - late) * HOUR + part <= since + length * HOUR
        for late in range(4)
        for part in (0, HOUR - 1)
        if late < 3 or part
    )
    chosen = window.may_hold(f"logs/{time:%Y/%m/%d/%H}/x.gz")
    assert chosen or not held


@pytest.mark.parametrize("key", ["task/live/000000.gz", "2026/13/01/00/x", "2026/06/01/x"])
def test_an_object_without_an_hour_is_always_chosen(key: str) -> None:
    assert HourWindow(0, 1).may_hold(key)


def test_hours_outside_of_the_window_are_skipped() -> None:
    begin = int(datetime(2026, 6, 1, 12, tzinfo=UTC).timestamp() * 1000)
    window = HourWindow(begin, begin + HOUR)
    chosen = [hour for hour in range(24) if window.may_hold(f"logs/2026/06/01/{hour:02d}/x")]
    assert chosen == [12, 13, 14, 15]
