"""Read the inputs that `turnfold ingest` sends: of files, standard input and objects of S3, once and in their order."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from pipeline.aws.s3 import SCHEME
from pipeline.ingest.files.discovery import name_of
from pipeline.ingest.files.entry_runs import LineCheck
from pipeline.ingest.files.formats import lines_in
from pipeline.ingest.files.reader import Input, InputLines, opened_input, readable_bytes
from pipeline.reprocess.sources.s3 import check_objects, opened_objects


def check_paths(paths: Sequence[str]) -> int | None:
    """Check that all paths can be read; return the bytes of their inputs, None if these are not known beforehand.

    Raises:
        UsageError: something is missing, or there is no right to read it. TransientError: AWS does not answer.
    """
    local = [path for path in paths if not path.startswith(SCHEME)]
    total = readable_bytes(local)
    for url in paths:
        if url.startswith(SCHEME):
            check_objects(url)
    return total if len(local) == len(paths) else None


def inputs_at(paths: Sequence[str], max_bytes: int, check: LineCheck | None) -> Iterator[Input | InputLines]:
    """Read the inputs at all paths; log entries that `check` finds in lines come together.

    Raises:
        UsageError: something is gone, or there is no right to read it. TransientError: AWS does not answer.
    """
    for path in paths:
        if path.startswith(SCHEME):
            yield from _in_objects(path, max_bytes, check)
        else:
            with opened_input(path) as file:
                yield from lines_in(file, name_of(path), max_bytes, check)


def _in_objects(url: str, max_bytes: int, check: LineCheck | None) -> Iterator[Input | InputLines]:
    for name, file in opened_objects(url):
        with closing(file):
            try:
                yield from lines_in(file, name, max_bytes, check)
            except OSError as error:  # of this object; the others can still be read
                yield Input(name, 1, problem=str(error))
