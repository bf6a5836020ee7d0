"""What `turnfold ingest` sends is read from files and objects of S3, in the order of the arguments and of keys."""

import gzip
import io
import uuid
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.aws.s3 import Bucket, S3Object
from pipeline.ingest.entry_lines import find_entry_lines
from pipeline.ingest.files.entry_runs import EntryLines
from pipeline.ingest.files.reader import InputLines
from pipeline.reprocess.sources import s3
from pipeline.reprocess.sources.to_ingest import check_paths, inputs_at
from pipeline.runtime.errors import UsageError
from tests.aws_server import Aws
from tests.events import raw

LIMIT = 1_000_000


@pytest.fixture
def url(aws_environment: Aws) -> str:
    """A bucket with objects of each kind, and two that are skipped."""
    bucket = f"bucket-{uuid.uuid4()}"
    client = aws_environment.client("s3")
    client.create_bucket(Bucket=bucket)
    table = io.BytesIO()
    parquet.write_table(pa.table({"message": ["row"]}), table)
    objects = {
        "a/lines": raw() + b"\n" + raw() + b"\n",
        "a/aws-logs-write-test": b"Permission Check Successful",
        "a/empty": b"",
        "b/export.gz": gzip.compress(b"2026-06-09T02:19:15.846Z " + raw() + b"\nSTART x\n"),
        "b/table": table.getvalue(),
        "c": raw(),
    }
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    return f"s3://{bucket}"


def read(*paths: str) -> list[tuple[str, bytes]]:
    """Return origin and data, or problem, of each input."""
    found: list[tuple[str, bytes]] = []
    for one in inputs_at(paths, LIMIT, check):
        if isinstance(one, InputLines):
            found += [(one.origin(index), text) for index, text in enumerate(one.texts)]
        else:
            found.append((one.origin, one.problem.encode() or one.data))
    return found


def check(block: bytes) -> EntryLines:
    return find_entry_lines(block, LIMIT)


@pytest.mark.parametrize("small", [0, s3.SMALL])
def test_objects_are_read_in_the_order_of_their_keys(url: str, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    monkeypatch.setattr(s3, "SMALL", small)
    assert read(url) == [
        (f"{url}/a/lines:1", raw()),
        (f"{url}/a/lines:2", raw()),
        (f"{url}/b/export.gz:1", raw()),
        (f"{url}/b/export.gz:2", b"START x"),
        (f"{url}/b/table:1", b"row"),
        (f"{url}/c:1", raw()),
    ]


def test_files_and_objects_are_read_in_the_order_of_the_arguments(url: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"{}\n")
    paths = (f"{url}/c", str(file), f"{url}/a")
    assert [origin for origin, _ in read(*paths)] == [f"{url}/c:1", f"{file}:1", f"{url}/a/lines:1", f"{url}/a/lines:2"]


def test_bytes_are_known_beforehand_of_files_alone(url: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"{}\n")
    assert check_paths([str(file)]) == 3
    assert check_paths([str(file), f"{url}/a"]) is None


@pytest.mark.parametrize("prefix", ["/none", "/a/empty", "/a/aws"])
def test_a_prefix_without_objects_is_refused(url: str, prefix: str) -> None:
    with pytest.raises(UsageError, match="holds no object to read"):
        check_paths([url + prefix])


def test_an_object_that_cannot_be_read_is_a_problem_and_the_others_are_read(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Bucket.open

    def replaced(bucket: Bucket, found: S3Object) -> object:
        return opened(bucket, msgspec.structs.replace(found, etag='"0"') if found.key == "a/lines" else found)

    monkeypatch.setattr(Bucket, "open", replaced)
    found = read(url)
    assert len(found) == 5
    assert found[0][0] == f"{url}/a/lines:1"
    assert b"Precondition" in found[0][1]
