"""One raw input in; the topic that it belongs in, under which key, and what is kept of it, out."""

import enum

import msgspec

from pipeline.ingest.diagnose import InputForm, input_form
from pipeline.ingest.entries import read_entries
from pipeline.ingest.opening import Unreadable
from pipeline.ingest.reading import Reading
from pipeline.runtime.errors import InvalidEventError


class Destination(enum.Enum):
    """TURNS takes Lex V2 log entries under their session id, RAW takes everything else under none."""

    TURNS = enum.auto()
    RAW = enum.auto()


class Route(msgspec.Struct, frozen=True, gc=False):
    """Where an input goes, as `value`; `entries` log entries are in it, `dead` others will be dead letters."""

    destination: Destination
    key: bytes | None
    value: bytes
    entries: int
    dead: int


def route(raw: bytes, reading: Reading) -> Route:
    """The way of one input. Nothing is refused: what nobody can read will be a dead letter.

    A bare entry is redacted here; what is in an envelope, or is none, by the intake agent.
    """
    try:
        turn, kept = reading.entry(raw)
    except InvalidEventError:
        return _raw_route(raw, reading)
    if b'"botName"' in raw and input_form(raw) is InputForm.LOG_ENTRY_V1:
        return Route(Destination.RAW, None, kept, 1, 0)
    return Route(Destination.TURNS, turn.session_id.encode(), kept, 1, 0)


def _raw_route(raw: bytes, reading: Reading) -> Route:
    """The route of what is no bare log entry: an envelope, perhaps with broken entries in it, or broken."""
    entries = dead = 0
    for found in read_entries(raw, reading):
        if isinstance(found, Unreadable):
            dead += 1
        else:
            entries += 1
    return Route(Destination.RAW, None, raw, entries, dead)
