"""Read the turns in one raw input of any accepted form, and what in it is none: for live traffic and files alike."""

from collections.abc import Iterator

from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.unwrap.envelope import unwrap
from pipeline.ingest.unwrap.opening import Unreadable
from schemas.turn import Turn

Found = tuple[Turn, bytes] | Unreadable
"""A turn and what is kept of its entry, or what is none."""


def read_entries(raw: bytes, reading: EventDecoder) -> Iterator[Found]:
    """What the intake agent and the conversations agent together make of it, in its order."""
    return unwrap(raw, reading.message_bytes, reading.entry)
