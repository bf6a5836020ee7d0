"""Open a log file of any kind that AWS exports, and report how far it was read."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from pipeline.ingest.files.discovery import name_of
from pipeline.ingest.files.entry_runs import LineCheck
from pipeline.ingest.files.reader import PARQUET, Input, InputLines, opened_file, stream_inputs, stream_lines
from pipeline.runtime.errors import UsageError


class Export:
    """The inputs in a file, to be iterated once; they are the same, in the same order, whenever the file is opened."""

    def __init__(self, inputs: Iterable[Input], position: Callable[[], int]) -> None:
        self._inputs = iter(inputs)
        self._position = position

    def __iter__(self) -> Iterator[Input]:
        return self._inputs

    @property
    def bytes_read(self) -> int:
        """Return the position in the file on disk, in compressed bytes: that of the last input, or some way ahead."""
        return self._position()


@contextmanager
def open_export(path: str, max_bytes: int) -> Iterator[Export]:
    """Open the file at `path`, whose content shows its format.

    It is Parquet, with a row for each input, or text as `stream_inputs` reads it. An input of more than `max_bytes` has
    that as its problem.

    Raises:
        UsageError: there is no such file, it cannot be opened, or it is Parquet and pyarrow is not installed.
    """
    with opened_file(path) as file:
        yield export_in(file, name_of(path), max_bytes)


def export_in(file: io.BufferedReader, name: str, max_bytes: int) -> Export:
    """Read an open file, like `open_export`; `name` is what origins of inputs begin with.

    Raises:
        OSError: it cannot be read. UsageError: it is Parquet and pyarrow is not installed.
    """
    if file.peek(len(PARQUET)).startswith(PARQUET):
        return _parquet(file, name, max_bytes)
    return Export(stream_inputs(file, name, max_bytes), file.tell)


def lines_in(
    file: io.BufferedReader, name: str, max_bytes: int, check: LineCheck | None
) -> Iterator[Input | InputLines]:
    """Read an open file, like `export_in`; log entries that `check` finds in lines come together."""
    if file.peek(len(PARQUET)).startswith(PARQUET):
        if not file.seekable():
            return iter([Input(name, 1, problem="Parquet cannot be read from a pipe: its index is at its end")])
        return iter(_parquet(file, name, max_bytes))
    return stream_lines(file, name, max_bytes, check)


def _parquet(file: io.BufferedReader, name: str, max_bytes: int) -> Export:
    try:
        from pipeline.ingest.files.parquet import ParquetInputs  # noqa: PLC0415 - pyarrow is an extra
    except ModuleNotFoundError:
        raise UsageError(f"{name} is a Parquet file, which needs `pip install 'turnfold[parquet]'`") from None
    inputs = ParquetInputs(file, name, max_bytes)
    return Export(inputs, lambda: inputs.bytes_read)
