"""Make inputs of what log events, records and objects of AWS contain."""

import io
from collections.abc import Iterator

import msgspec

from pipeline.ingest.files.reader import stream_inputs


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
