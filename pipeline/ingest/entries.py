"""One raw input of any accepted form in; the turns in it, and what in it is none, out."""

from collections.abc import Iterator

from pipeline.errors import InvalidEventError
from pipeline.ingest.entry import decode_entry
from pipeline.ingest.envelope import unpack
from pipeline.ingest.sort import Limits
from schemas.turn import Turn

Found = tuple[Turn, bytes] | InvalidEventError
"""A turn and its entry as received, or why an entry is none."""


def read_entries(raw: bytes, limits: Limits) -> Iterator[Found]:
    """What the intake agent and the conversations agent together would make of it, in its order."""
    try:
        yield decode_entry(raw, limits.event_bytes), raw  # by far the most are bare entries
    except InvalidEventError:
        yield from _unpacked(raw, limits)


def _unpacked(raw: bytes, limits: Limits) -> Iterator[Found]:
    try:
        entries = unpack(raw, limits.message_bytes)
    except InvalidEventError as invalid:
        yield invalid
        return
    for entry in entries:
        try:
            yield decode_entry(entry, limits.event_bytes), entry
        except InvalidEventError as invalid:
            yield invalid
