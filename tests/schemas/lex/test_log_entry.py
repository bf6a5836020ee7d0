"""Log entries are read with their required members only, and ids of V1 bots are derived the same way everywhere."""

import re
from pathlib import Path

import msgspec
import pytest

from schemas.lex.log_entry import CHANNELS, LogEntry, LogEntryV1, alias_id, bot_id
from tests.events import entry

FIXTURES = Path(__file__).parents[2] / "fixtures"
REQUIRED = ("timestamp", "requestId", "sessionId", "bot", "sessionState")


def test_derived_ids_have_the_form_of_lex_v2_ids_and_never_change() -> None:
    assert bot_id("BookTrip") == "IDHZ7CYTAV"
    assert re.fullmatch("[A-Z2-7]{10}", alias_id("BookTrip", "prod"))


def test_derived_ids_tell_bots_and_aliases_apart() -> None:
    ids = {bot_id("a"), bot_id("b"), alias_id("a", "b"), alias_id("b", "a"), alias_id("a", "a"), alias_id("ab", "")}
    assert len(ids) == 6


def test_the_channel_attributes_have_the_names_of_both_lex_versions() -> None:
    assert CHANNELS == ("x-amz-lex:channels:platform", "x-amz-lex:channel-type")


def test_an_entry_of_v2_is_read_from_its_required_members_alone() -> None:
    read = msgspec.convert({name: entry()[name] for name in REQUIRED}, LogEntry)
    assert (read.bot.id, read.session_state.originating_request_id) == ("BOTAAAAAA1", "request-1")
    assert read.input_mode is None


@pytest.mark.parametrize("missing", REQUIRED)
def test_an_entry_without_a_required_member_is_an_error(missing: str) -> None:
    members = entry()
    del members[missing]
    with pytest.raises(msgspec.ValidationError, match=missing):
        msgspec.convert(members, LogEntry)


@pytest.mark.parametrize("name", ["v2-log-missed-fallback", "v2-log-dtmf-dashed-version"])
def test_published_entries_of_v2_are_read(name: str) -> None:
    assert msgspec.json.decode((FIXTURES / f"{name}.json").read_bytes(), type=LogEntry).session_id


def test_published_entries_of_v1_are_read() -> None:
    assert msgspec.json.decode((FIXTURES / "v1-log-elicit-slot.json").read_bytes(), type=LogEntryV1).bot_name


@pytest.mark.parametrize("session", ["", "s" * 513])
def test_an_identifier_that_is_empty_or_too_long_is_an_error(session: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="sessionId"):
        msgspec.convert(entry(sessionId=session), LogEntry)
