"""Make inputs of what AWS's log events, records and objects contain, and batches of the inputs in a log file."""

import io
from collections.abc import Iterator
from itertools import islice

import msgspec

from pipeline.ingest.files.formats import Export
from pipeline.ingest.files.reader import Input, stream_inputs
from pipeline.ingest.unwrap.envelope import unpacked_size
from pipeline.reprocess.batch import InputBatch

BATCH_BYTES = 64 * 1024 * 1024
"""Unpacked bytes of inputs after which a batch ends; the last input may exceed them."""


class AwsInput(msgspec.Struct, frozen=True, gc=False):
    """An input from AWS; its time of arrival in Kafka is not known."""

    data: bytes
    origin: str
    problem: str = ""

    @property
    def place(self) -> None:
        """Return None: the input is in no topic."""


def aws_inputs(data: bytes, origin: str, max_bytes: int) -> Iterator[AwsInput]:
    """Yield one input of `data`; if it exceeds `max_bytes`, the inputs in it, as if it were a file."""
    if len(data) <= max_bytes:
        yield AwsInput(data, origin)
        return
    for one in stream_inputs(io.BufferedReader(io.BytesIO(data)), origin, max_bytes):
        yield AwsInput(one.data, one.origin, one.problem)


def export_batches(export: Export, at: int, size: int, max_bytes: int) -> Iterator[InputBatch]:
    """Yield the inputs of a file from number `at` on; the position is the number of the next one."""
    inputs = iter(export)
    for _ in islice(inputs, at):
        pass
    before = export.bytes_read  # an earlier attempt has counted what was skipped
    while chunk := list(_bounded(inputs, size, max_bytes)):
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
