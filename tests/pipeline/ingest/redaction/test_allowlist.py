"""All members that a turn is built from, but the utterance, are kept at their places in both versions, nowhere else."""

from datetime import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.redaction.allowlist import ENTRY, LOG_EVENT, PLAUSIBLE, KeptMembers
from schemas.lex.log_entry import CHANNELS, LogEntry, LogEntryV1

UTTERANCE = ("inputTranscript",)


def leaves(kind: type[msgspec.Struct]) -> list[tuple[str, ...]]:
    """Return the paths to all members of a wire shape that are not objects."""
    found: list[tuple[str, ...]] = []
    for field in msgspec.structs.fields(kind):
        of = getattr(field.type, "__args__", (field.type,))
        inside = [each for each in of if isinstance(each, type) and issubclass(each, msgspec.Struct)]
        ways = [way for each in inside for way in leaves(each)] or [()]
        found += [(field.encode_name, *way) for way in ways]
    return found


def kept(places: KeptMembers, way: tuple[str, ...]) -> bool:
    inside = places.get(way[0], {})
    return inside is None if len(way) == 1 else kept(inside or {}, way[1:])


@pytest.mark.parametrize("way", sorted({*leaves(LogEntry), *leaves(LogEntryV1)} - {UTTERANCE}), ids=".".join)
def test_what_the_decoder_reads_is_kept(way: tuple[str, ...]) -> None:
    assert kept(ENTRY, way)


def test_a_name_is_kept_at_its_place_alone() -> None:
    assert kept(ENTRY, ("sessionState", "intent", "name"))
    assert not kept(ENTRY, ("sessionState", "sessionAttributes", "name"))
    assert not kept(ENTRY, ("name",))
    assert not kept(ENTRY, ("sessionState", "sessionAttributes", CHANNELS[0]))
    assert not kept(ENTRY, UTTERANCE)


def test_lines_of_an_envelope_have_places_of_their_own() -> None:
    assert LOG_EVENT is ENTRY["logEvents"]
    assert kept(ENTRY, ("logEvents", "timestamp"))
    assert not kept(ENTRY, ("logEvents", "message"))


@pytest.mark.parametrize("name", PLAUSIBLE)
def test_what_may_be_disputed_is_kept_otherwise(name: str) -> None:
    assert kept(ENTRY, (name,))


@given(st.datetimes(timezones=st.timezones()), st.sampled_from(["auto", "seconds", "microseconds"]))
def test_a_time_is_plausible(moment: datetime, timespec: str) -> None:
    assert PLAUSIBLE["timestamp"].fullmatch(moment.isoformat(timespec=timespec))
