"""Read log files: each file is a source of a job."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from itertools import islice

from pipeline.config.settings import Settings
from pipeline.ingest.files.discovery import find_files
from pipeline.ingest.files.formats import Export, open_export
from pipeline.ingest.files.names import name_of, path_of
from pipeline.ingest.files.reader import Input
from pipeline.ingest.unwrap.envelope import unpacked_size
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.prefetch import prefetch
from schemas.reprocessing import Job, Source, WorkUnit

BATCH_BYTES = 64 * 1024 * 1024
"""Unpacked bytes of inputs after which a batch ends; the last input may exceed them."""


def files(job: Job) -> list[Source]:
    """Return a source for each file of the job, those in its folders included.

    Raises:
        UsageError: one is missing or cannot be read.
    """
    sizes = [(name_of(file.path), file.size) for file in find_files([*map(path_of, job.paths)])]
    return [Source(name, name, (0,), (), size) for name, size in sizes]


async def inputs(settings: Settings, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
    """Read the rest of the unit's file; the position is a number of inputs.

    Raises:
        UsageError: the file is gone.
    """
    with open_export(path_of(unit.source.of), settings.max_message_bytes) as export:
        batches = prefetch(_batches(export, int(unit.position[0]), size, settings.max_message_bytes))
        async with aclosing(batches):  # before the file is closed, which its thread reads from
            async for batch in batches:
                yield batch


def _batches(export: Export, at: int, size: int, max_bytes: int) -> Iterator[InputBatch]:
    remaining = islice(export, at, None)
    before = export.bytes_read
    while chunk := list(_bounded(remaining, size, max_bytes)):
        at += len(chunk)
        yield InputBatch(chunk, (at,), export.bytes_read - before, len(chunk))
        before = export.bytes_read


def _bounded(remaining: Iterator[Input], size: int, max_bytes: int) -> Iterator[Input]:
    held = 0
    for one in islice(remaining, size):
        yield one
        held += unpacked_size(one.data, max_bytes)
        if held >= BATCH_BYTES:
            return
