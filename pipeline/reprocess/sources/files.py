"""Files of logs in; each as a source, and the inputs in one in batches, out."""

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
"""What the inputs of a batch unpack to is held up to here, and what one more may unpack to."""


def files(job: Job) -> list[Source]:
    """The files, folders taken apart.

    Raises:
        UsageError: one is missing or cannot be read.
    """
    found = [(name_of(file.path), file.size) for file in find_files([*map(path_of, job.paths)])]
    return [Source(name, name, (0,), (), size) for name, size in found]


async def inputs(settings: Settings, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
    """What is left of the unit's file; its position counts inputs.

    Raises:
        UsageError: the file is gone.
    """
    with open_export(path_of(unit.source.of), settings.max_message_bytes) as export:
        found = prefetch(_batches(export, int(unit.position[0]), size, settings.max_message_bytes))
        async with aclosing(found):  # before the file is closed, which its thread reads from
            async for batch in found:
                yield batch


def _batches(export: Export, at: int, size: int, max_bytes: int) -> Iterator[InputBatch]:
    found = islice(export, at, None)
    before = export.bytes_read
    while some := list(_bounded(found, size, max_bytes)):
        at += len(some)
        yield InputBatch(some, (at,), export.bytes_read - before, len(some))
        before = export.bytes_read


def _bounded(found: Iterator[Input], size: int, max_bytes: int) -> Iterator[Input]:
    held = 0
    for one in islice(found, size):
        yield one
        held += unpacked_size(one.data, max_bytes)
        if held >= BATCH_BYTES:
            return
