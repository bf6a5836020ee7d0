"""List objects in S3, and read them as streams that continue where a connection breaks."""

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.aws.client import error_code, open_client, translate_errors
from pipeline.runtime.errors import TransientError, UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SCHEME = "s3://"
BUFFER = 1 << 20
"""Bytes that are read at a time."""
ATTEMPTS = 5
"""Attempts to continue a broken download at one position."""
UNREADABLE = {"InvalidObjectState", "NoSuchKey", "PreconditionFailed", "412"}
"""Codes that concern one object: it is in an archive such as Glacier, was deleted, or was replaced meanwhile."""


class S3Object(msgspec.Struct, frozen=True):
    """An object of `size` bytes; its `etag` changes with its content."""

    key: str
    size: int
    etag: str


def bucket_and_key(url: str) -> tuple[str, str]:
    """Split s3://BUCKET/KEY; the key may be empty, or the beginning of several.

    Raises:
        UsageError: there is no bucket.
    """
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    if not url.startswith(SCHEME) or not bucket:
        raise UsageError(f"{url} names no bucket; expected s3://BUCKET or s3://BUCKET/PREFIX")
    return bucket, key


class Bucket:
    """A bucket of S3."""

    def __init__(self, name: str) -> None:
        """Open a client; nothing is requested yet.

        Raises:
            UsageError: boto3 is not installed, or there is no region or profile.
        """
        self.name = name
        self._client = open_client("s3")

    def objects(self, prefix: str, after: str = "") -> Iterator[S3Object]:
        """Yield the objects whose keys begin with `prefix` and come after the key `after`, in the order of keys.

        Raises:
            UsageError: there is no such bucket, or no right to list it. TransientError: AWS does not answer.
        """
        with translate_errors(f"bucket {self.name}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.name, Prefix=prefix, StartAfter=after
            )
            for page in pages:
                for one in page.get("Contents", ()):
                    yield S3Object(one["Key"], one["Size"], one["ETag"])

    def open(self, found: S3Object) -> io.BufferedReader:
        """Open an object; the caller closes it. See `ObjectStream.readinto` for the errors of reading it."""
        return io.BufferedReader(ObjectStream(self._client, self.name, found), BUFFER)


class ObjectStream(io.RawIOBase):
    """The bytes of an object, from any position, which Parquet needs; a broken download continues where it broke."""

    def __init__(self, client: Any, bucket: str, found: S3Object) -> None:
        super().__init__()
        self._client, self._bucket, self._found = client, bucket, found
        self._position = 0
        self._body: Any = None

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a position; the next read requests the object from there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._found.size}[whence]
        if base + offset != self._position:
            self._drop_body()
        self._position = base + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Read some bytes into `buffer`, and return their number; 0 at the end.

        Raises:
            OSError: this object cannot be read. UsageError: there is no right to read the bucket.
            TransientError: the download breaks again and again.
        """
        view = memoryview(buffer).cast("B")
        if self._position >= self._found.size:
            return 0
        data = self._read_patiently(len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        self._drop_body()
        super().close()

    def _read_patiently(self, size: int) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._read(size)
            except TransientError:
                self._drop_body()
                if attempt == ATTEMPTS:
                    raise
            except UsageError as error:
                if error_code(error.__cause__) in UNREADABLE:
                    raise OSError(str(error)) from error
                raise
        raise AssertionError("the last attempt returns or raises")

    def _read(self, size: int) -> bytes:
        with translate_errors(f"object {SCHEME}{self._bucket}/{self._found.key}"):
            if self._body is None:
                self._body = self._client.get_object(
                    Bucket=self._bucket,
                    Key=self._found.key,
                    Range=f"bytes={self._position}-",
                    IfMatch=self._found.etag,
                )["Body"]
            data: bytes = self._body.read(size)
        if not data:
            raise TransientError("the connection ended before the object")
        return data

    def _drop_body(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            body.close()
