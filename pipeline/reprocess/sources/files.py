"""Read log files and objects of S3: each file, and each range of objects, is a source of a job."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from pipeline.aws.s3 import SCHEME
from pipeline.config.settings import Settings
from pipeline.ingest.files.discovery import find_files, name_of, path_of
from pipeline.ingest.files.formats import open_export
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
        UsageError: the file is gone. TransientError: AWS does not answer.
    """
    if unit.source.of.startswith(SCHEME):
        batches = prefetch(range_batches(settings, HourWindow(job.since, job.until), unit, size))
        async with aclosing(batches):
            async for batch in batches:
                yield batch
        return
    with open_export(path_of(unit.source.of), settings.max_message_bytes) as export:
        batches = prefetch(export_batches(export, int(unit.position[0]), size, settings.max_message_bytes))
        async with aclosing(batches):  # before the file is closed, which its thread reads from
            async for batch in batches:
                yield batch


def _outermost(urls: set[str]) -> list[str]:
    """Return the URLs that begin with no other one: the objects of those are read anyway."""
    return sorted(url for url in urls if not any(url != other and url.startswith(other) for other in urls))
