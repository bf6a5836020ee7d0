"""Divide a log file into batches of inputs."""

from collections.abc import Iterator
from itertools import islice

from pipeline.ingest.files.formats import Export
from pipeline.ingest.files.reader import Input
from pipeline.ingest.unwrap.envelope import unpacked_size
from pipeline.reprocess.batch import InputBatch

BATCH_BYTES = 64 * 1024 * 1024
"""Unpacked bytes of inputs after which a batch ends; the last input may exceed them."""


def export_batches(export: Export, at: int, size: int, max_bytes: int) -> Iterator[InputBatch]:
    """Yield the inputs of a file from number `at` on; the position is the number of the next one."""
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
