"""Files and objects of S3 are the sources of one job."""

import uuid
from pathlib import Path

from pipeline.reprocess.sources.files import _outermost, files
from schemas.reprocessing import Job, JobKind, JobRules, Target
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
