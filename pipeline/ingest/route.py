"""One raw input in; the topic that it belongs in, and under which key, out."""

import enum

import msgspec

from pipeline.errors import InvalidEventError
from pipeline.ingest.diagnose import InputForm, input_form
from pipeline.ingest.entry import decode_entry
from pipeline.ingest.envelope import unpack
from pipeline.settings import Settings


class Destination(enum.Enum):
    """TURNS takes Lex V2 log entries under their session id, RAW takes everything else under none."""

    TURNS = enum.auto()
    RAW = enum.auto()


class Route(msgspec.Struct, frozen=True, gc=False):
    """Where an input goes; `entries` log entries are in it, `dead` others will be dead letters."""

    destination: Destination
    key: bytes | None
    entries: int
    dead: int


def route(raw: bytes, settings: Settings) -> Route:
    """The way of one input. Nothing is refused: what nobody can read will be a dead letter."""
    try:
        turn = decode_entry(raw, settings.max_event_bytes)
    except InvalidEventError:
        return _raw_route(raw, settings)
    if b'"botName"' in raw and input_form(raw) is InputForm.LOG_ENTRY_V1:
        return Route(Destination.RAW, None, 1, 0)
    return Route(Destination.TURNS, turn.session_id.encode(), 1, 0)


def _raw_route(raw: bytes, settings: Settings) -> Route:
    """The route of what is no bare log entry: an envelope, perhaps with broken entries in it, or broken."""
    try:
        inside = unpack(raw, settings.max_message_bytes)
    except InvalidEventError:
        return Route(Destination.RAW, None, 0, 1)
    dead = sum(not _readable(entry, settings) for entry in inside)
    return Route(Destination.RAW, None, len(inside) - dead, dead)


def _readable(entry: bytes, settings: Settings) -> bool:
    try:
        decode_entry(entry, settings.max_event_bytes)
    except InvalidEventError:
        return False
    return True
