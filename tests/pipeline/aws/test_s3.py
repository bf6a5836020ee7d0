"""Objects are listed in the order of their keys, and read from any position, also where a download breaks."""

import uuid
from typing import Any

import pytest

from pipeline.aws import s3
from pipeline.aws.s3 import Bucket, S3Object, bucket_and_key
from pipeline.runtime.errors import TransientError, UsageError
from tests.aws_server import Aws

CONTENT = bytes(range(256)) * 20_000


@pytest.fixture
def bucket(aws_environment: Aws) -> Bucket:
    name = f"bucket-{uuid.uuid4()}"
    client = aws_environment.client("s3")
    client.create_bucket(Bucket=name)
    for key in ("logs/b", "logs/a", "other"):
        client.put_object(Bucket=name, Key=key, Body=CONTENT)
    return Bucket(name)


def test_objects_of_a_prefix_are_listed_in_order(bucket: Bucket) -> None:
    assert [(one.key, one.size) for one in bucket.objects("logs/")] == [
        ("logs/a", len(CONTENT)),
        ("logs/b", len(CONTENT)),
    ]
    assert [one.key for one in bucket.objects("logs/", "logs/a")] == ["logs/b"]


def test_an_object_is_read_from_any_position(bucket: Bucket) -> None:
    (found, _) = bucket.objects("logs/")
    with bucket.open(found) as file:
        assert file.read() == CONTENT
        assert file.seek(-10, 2) == len(CONTENT) - 10
        assert file.read() == CONTENT[-10:]
        file.seek(1000)
        assert (file.read(50), file.tell()) == (CONTENT[1000:1050], 1050)


def test_a_download_that_breaks_goes_on_where_it_broke(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    (found, _) = bucket.objects("logs/")
    read, breaks = s3.ObjectStream._read, iter([False, True, True, False, True])

    def breaking(stream: Any, size: int) -> bytes:
        if next(breaks, False):
            raise TransientError("broken")
        return read(stream, min(size, 100_000))

    monkeypatch.setattr(s3.ObjectStream, "_read", breaking)
    with bucket.open(found) as file:
        assert file.read() == CONTENT


def test_a_download_that_always_breaks_is_worth_another_try_later(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found, _) = bucket.objects("logs/")

    def breaking(*_: object) -> bytes:
        raise TransientError("broken")

    monkeypatch.setattr(s3.ObjectStream, "_read", breaking)
    with pytest.raises(TransientError, match="broken"), bucket.open(found) as file:
        file.read()


def test_an_object_that_is_gone_or_was_replaced_cannot_be_read(bucket: Bucket) -> None:
    (found, _) = bucket.objects("logs/")
    with (
        pytest.raises(OSError, match="AWS has no object s3://"),
        bucket.open(S3Object("logs/c", 9, found.etag)) as file,
    ):
        file.read()
    with pytest.raises(OSError, match="Precondition"), bucket.open(S3Object("logs/a", 9, '"0"')) as file:
        file.read()


@pytest.mark.usefixtures("aws_environment")
def test_a_bucket_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match="AWS has no bucket none"):
        list(Bucket("none").objects(""))


@pytest.mark.parametrize("url", ["s3://", "s3:///key", "file"])
def test_a_url_without_a_bucket_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="expected s3://BUCKET"):
        bucket_and_key(url)
    assert bucket_and_key("s3://bucket/a/b") == ("bucket", "a/b")
    assert bucket_and_key("s3://bucket") == ("bucket", "")
