"""One raw input of any accepted form in; the turns in it, and what in it is none, out."""

from collections.abc import Iterator

from pipeline.errors import InvalidEventError
from pipeline.ingest.envelope import unpack
from pipeline.ingest.reading import Reading
from schemas.turn import Turn

Found = tuple[Turn, bytes] | InvalidEventError
"""A turn and what is kept of its entry, or why an entry is none."""


def read_entries(raw: bytes, reading: Reading) -> Iterator[Found]:
    """What the intake agent and the conversations agent together would make of it, in its order."""
    try:
        yield reading.entry(raw)  # by far the most are bare entries
    except InvalidEventError:
        yield from _unpacked(raw, reading)


def _unpacked(raw: bytes, reading: Reading) -> Iterator[Found]:
    try:
        entries = unpack(raw, reading.message_bytes)
    except InvalidEventError as invalid:
        yield reading.error(invalid)
        return
    for entry in entries:
        try:
            yield reading.entry(entry)
        except InvalidEventError as invalid:
            yield reading.error(invalid)
