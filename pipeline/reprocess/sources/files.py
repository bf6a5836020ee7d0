"""Read log files and objects of S3: each file, and each range of objects, is a source of a job."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

from pipeline.aws.s3 import SCHEME
from pipeline.config.settings import Settings
from pipeline.ingest.files.discovery import find_files, name_of, path_of
from pipeline.ingest.files.formats import export_in
from pipeline.ingest.files.reader import Input
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.prefetch import prefetch
from pipeline.reprocess.sources.inputs import export_batches
from pipeline.reprocess.sources.s3 import HourWindow, range_batches, ranges
from schemas.reprocessing import Job, Source, WorkUnit


def files(job: Job) -> list[Source]:
    """Return a source for each file of the job, those in its folders included, and for ranges of its objects in S3.

    Raises:
        UsageError: one is missing or cannot be read. TransientError: AWS does not answer.
    """
    urls = _outermost({path for path in job.paths if path.startswith(SCHEME)})
    paths = [path_of(path) for path in job.paths if not path.startswith(SCHEME)]
    sizes = [(name_of(file.path), file.size) for file in find_files(paths)]
    found = [Source(name, name, (0,), (), size) for name, size in sizes]
    return found + [source for url in urls for source in ranges(url, HourWindow(job.since, job.until))]


async def inputs(settings: Settings, job: Job, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
    """Read the rest of the unit's file, where the position is a number of inputs, or of its range of objects.

    Raises:
        UsageError: an extra is missing, or the right to read objects. TransientError: AWS does not answer.
    """
    if unit.source.of.startswith(SCHEME):
        batches = prefetch(range_batches(settings, HourWindow(job.since, job.until), unit, size))
    else:
        batches = prefetch(_file_batches(settings, unit, size))
    async with aclosing(batches):
        async for batch in batches:
            yield batch


def _file_batches(settings: Settings, unit: WorkUnit, size: int) -> Iterator[InputBatch]:
    """Read the rest of a file; one that cannot be read is an input with that as its problem."""
    name, at, done = unit.source.of, int(unit.position[0]), 0
    try:
        with Path(path_of(name)).open("rb") as file:
            export = export_in(file, name, settings.max_message_bytes)
            for batch in export_batches(export, at, size, settings.max_message_bytes):
                at, done = int(batch.position[0]), done + batch.done
                yield batch
    except OSError as error:  # of this file; the others can still be read
        problem = f"cannot be read: {error.strerror or error}"
        left = max(0, unit.source.total - unit.counts.done - done)
        yield InputBatch([Input(name, 1, problem=problem)], (at,), left, 1)


def _outermost(urls: set[str]) -> list[str]:
    """Return the URLs that begin with no other one: the objects of those are read anyway."""
    return sorted(url for url in urls if not any(url != other and url.startswith(other) for other in urls))
