"""Read objects of S3 as CloudWatch Logs and Firehose write them: ranges of keys are the sources of a job."""

import io
import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import msgspec

from pipeline.aws.s3 import SCHEME, Bucket, S3Object, bucket_and_key
from pipeline.config.settings import Settings
from pipeline.ingest.files.discovery import MARKER
from pipeline.ingest.files.formats import export_in
from pipeline.ingest.files.reader import Input
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.sources.inputs import export_batches
from pipeline.runtime.errors import UsageError
from schemas.reprocessing import Source, WorkUnit

RANGE_OBJECTS, RANGE_BYTES = 200, 256 * 1024 * 1024
"""Objects and bytes after which a range ends; the last object may exceed them."""
AHEAD = 8
"""Objects that are downloaded at a time, of at most SMALL bytes each; larger ones are streamed."""
SMALL = 4 * 1024 * 1024
HOUR_MS = 3_600_000
LATE_MS = 3 * HOUR_MS
"""Time by which Firehose may deliver an event late: it buffers for 15 minutes and tries again for two hours."""
HOUR = re.compile(r"(?:^|/)(\d{4})/(\d\d)/(\d\d)/(\d\d)/")
"""The hour of delivery, UTC, where Firehose puts it into a key."""


class HourWindow(msgspec.Struct, frozen=True):
    """A window of time, in ms, by which objects are chosen whose keys tell the hour; None is no bound."""

    since: int | None
    until: int | None

    def may_hold(self, key: str) -> bool:
        """Return whether the object may hold events of the window; True if its key tells no hour."""
        found = HOUR.search(key)
        if found is None:
            return True
        try:
            hour = round(datetime(*map(int, found.groups()), tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type] # four numbers
        except ValueError:  # it only looks like a time
            return True
        after = self.since is None or hour + HOUR_MS > self.since
        return after and (self.until is None or hour < self.until + LATE_MS)


ALWAYS = HourWindow(None, None)


def ranges(url: str, window: HourWindow) -> list[Source]:
    """Return a source for each range of the objects whose keys begin with the one in `url`.

    Empty objects are skipped, and so is the MARKER of an export.

    Raises:
        UsageError: there is nothing to read, or no right to. TransientError: AWS does not answer.
    """
    bucket, prefix = bucket_and_key(url)
    found: list[Source] = []
    some: list[S3Object] = []
    size = 0
    for one in _wanted(Bucket(bucket).objects(prefix), window):
        some.append(one)
        size += one.size
        if len(some) >= RANGE_OBJECTS or size >= RANGE_BYTES:
            found.append(_range(url, some, size))
            some, size = [], 0
    if some:
        found.append(_range(url, some, size))
    if not found:
        raise UsageError(f"{url} holds no object to read; empty ones, {MARKER} and other hours are skipped")
    return found


def check_objects(url: str) -> None:
    """Check that there are objects whose keys begin with the one in `url`.

    Raises:
        UsageError: there is nothing to read, or no right to. TransientError: AWS does not answer.
    """
    bucket, prefix = bucket_and_key(url)
    if next(_wanted(Bucket(bucket).objects(prefix), ALWAYS), None) is None:
        raise UsageError(f"{url} holds no object to read; empty ones and {MARKER} are skipped")


def opened_objects(url: str) -> Iterator[tuple[str, io.BufferedReader]]:
    """Open the objects whose keys begin with the one in `url`, in the order of keys, with their names.

    The caller closes each. Empty objects are skipped, and so is the MARKER of an export.

    Raises:
        UsageError: there is no right to read them. TransientError: AWS does not answer.
    """
    bucket_name, prefix = bucket_and_key(url)
    bucket = Bucket(bucket_name)
    for found, file in _opened(bucket, _wanted(bucket.objects(prefix), ALWAYS)):
        yield f"{SCHEME}{bucket_name}/{found.key}", file


def range_batches(settings: Settings, window: HourWindow, unit: WorkUnit, size: int) -> Iterator[InputBatch]:
    """Read the rest of a range; the position is a key and a number of inputs in that object.

    Raises:
        UsageError: there is no right to read it. TransientError: AWS does not answer.
    """
    bucket_name, prefix = bucket_and_key(unit.source.of)
    bucket = Bucket(bucket_name)
    key, skipped = str(unit.position[0]), int(unit.position[1])
    last = str(unit.source.end[0])
    objects = _between(_wanted(bucket.objects(prefix, _before(key)), window), key, last)
    for found, file in _opened(bucket, objects):
        with closing(file):
            at = skipped if found.key == key else 0
            yield from _object_batches(bucket_name, found, file, at, (size, settings.max_message_bytes))


def _object_batches(
    bucket: str, found: S3Object, file: io.BufferedReader, at: int, sizes: tuple[int, int]
) -> Iterator[InputBatch]:
    name = f"{SCHEME}{bucket}/{found.key}"
    done = 0
    try:
        for batch in export_batches(export_in(file, name, sizes[1]), at, *sizes):
            share = min(batch.done, found.size - done)
            done += share
            yield msgspec.structs.replace(batch, position=(found.key, *batch.position), done=share)
    except OSError as error:  # of this object; the others can still be read
        yield InputBatch([Input(name, 1, problem=str(error))], (found.key, at + 1), found.size - done, 1)


def _opened(bucket: Bucket, objects: Iterator[S3Object]) -> Iterator[tuple[S3Object, io.BufferedReader]]:
    """Open the objects in order, and download the next small ones meanwhile."""
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="s3") as threads:
        upcoming: deque[tuple[S3Object, Future[io.BufferedReader] | None]] = deque()
        try:
            for found in objects:
                small = found.size <= SMALL
                upcoming.append((found, threads.submit(_download, bucket, found) if small else None))
                if len(upcoming) > AHEAD:
                    yield _take(bucket, upcoming)
            while upcoming:
                yield _take(bucket, upcoming)
        finally:
            threads.shutdown(cancel_futures=True)


def _take(
    bucket: Bucket, upcoming: deque[tuple[S3Object, Future[io.BufferedReader] | None]]
) -> tuple[S3Object, io.BufferedReader]:
    found, downloaded = upcoming.popleft()
    return found, downloaded.result() if downloaded else bucket.open(found)


def _download(bucket: Bucket, found: S3Object) -> io.BufferedReader:
    """Return the whole object in memory; one that cannot be read fails when it is opened again, and read."""
    with bucket.open(found) as file:
        try:
            return io.BufferedReader(io.BytesIO(file.read()))
        except OSError:
            return bucket.open(found)


def _wanted(objects: Iterator[S3Object], window: HourWindow) -> Iterator[S3Object]:
    return (one for one in objects if one.size and not one.key.endswith(MARKER) and window.may_hold(one.key))


def _between(objects: Iterator[S3Object], first: str, last: str) -> Iterator[S3Object]:
    for one in objects:
        if one.key > last:
            return
        if one.key >= first:
            yield one


def _before(key: str) -> str:
    """Return a key after which `key` is the next one, or soon to come."""
    return key[:-1]


def _range(url: str, objects: list[S3Object], size: int) -> Source:
    bucket, _ = bucket_and_key(url)
    first, last = objects[0].key, objects[-1].key
    return Source(f"{SCHEME}{bucket}/{first}", url, (first, 0), (last,), size)
