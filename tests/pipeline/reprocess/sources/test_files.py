"""Files and objects of S3 are the sources of one job."""

import asyncio
import uuid
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.sources.files import _outermost, files, inputs
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Target, WorkUnit
from tests.aws_server import Aws


def test_files_and_objects_are_found_together(aws_environment: Aws, tmp_path: Path) -> None:
    bucket = f"bucket-{uuid.uuid4()}"
    client = aws_environment.client("s3")
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="2026/06/01/12/a", Body=b"{}")
    client.put_object(Bucket=bucket, Key="2026/06/09/12/b", Body=b"{}")
    (tmp_path / "file").write_bytes(b"{}{}")
    paths = (f"s3://{bucket}/2026/", str(tmp_path), f"s3://{bucket}")
    job = Job(kind=JobKind.BACKFILL, into=Target.KAFKA, rules=JobRules("1", ()), since=1_780_500_000_000, paths=paths)
    assert [(source.of, source.begin, source.total) for source in files(job)] == [
        (str(tmp_path / "file"), (0,), 4),
        (f"s3://{bucket}", ("2026/06/09/12/b", 0), 2),
    ]


def test_objects_are_not_read_for_each_url_that_has_them() -> None:
    assert _outermost({"s3://b/x", "s3://b/xy", "s3://b/y"}) == ["s3://b/x", "s3://b/y"]


async def read(job: Job) -> list[InputBatch]:
    units = [WorkUnit(source=one, position=one.begin, counts=JobCounts()) for one in files(job)]
    return [batch for unit in units for batch in [one async for one in inputs(Settings(), job, unit, 10)]]


def test_files_that_cannot_be_read_are_inputs_with_a_problem(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"{}")
    (tmp_path / "b").symlink_to("nowhere")
    (tmp_path / "c").write_bytes(b"{}{}")
    job = Job(kind=JobKind.BACKFILL, into=Target.KAFKA, rules=JobRules("1", ()), paths=(str(tmp_path),))
    batches = asyncio.run(read(job))
    found = [(raw.origin, raw.data, raw.problem) for batch in batches for raw in batch.raws]
    assert found == [
        (f"{tmp_path}/a:1", b"{}", ""),
        (f"{tmp_path}/b:1", b"", "cannot be read: No such file or directory"),
        (f"{tmp_path}/c:1[1]", b"{}", ""),
        (f"{tmp_path}/c:1[2]", b"{}", ""),
    ]


def test_a_file_that_is_gone_since_the_job_began_stops_no_other(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"{}")
    job = Job(kind=JobKind.BACKFILL, into=Target.KAFKA, rules=JobRules("1", ()), paths=(str(path),))
    (source,) = files(job)
    path.unlink()

    async def read_again() -> list[InputBatch]:
        unit = WorkUnit(source=source, position=(7,), counts=JobCounts())
        return [batch async for batch in inputs(Settings(), job, unit, 10)]

    (batch,) = asyncio.run(read_again())
    assert [raw.problem for raw in batch.raws] == ["cannot be read: No such file or directory"]
    assert (batch.position, batch.done, batch.read) == ((7,), 2, 1), "it may be read from there, once it is back"
