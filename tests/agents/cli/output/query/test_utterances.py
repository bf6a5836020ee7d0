"""Utterances are printed with what the bot made of them."""

import csv
import io

import pytest

from agents.cli.output.query.lists import print_csv
from agents.cli.output.query.utterances import print_utterances, utterance_cells
from schemas.lex.analytics.list_utterances import UtteranceSpecification
from schemas.lex.session_v2 import Message

FULL = UtteranceSpecification(
    bot_alias_id="TSTALIASID",
    bot_version="12",
    locale_id="en_US",
    session_id="guest-1",
    conversation_start_time=1795211300.0,
    conversation_end_time=1795211400.0,
    utterance="a room, please",
    utterance_timestamp=1795211320.648,
    utterance_request_id="r1",
    utterance_understood=True,
    bot_responses=(Message("PlainText", "Where?"), Message("ImageResponseCard")),
    mode="Speech",
    audio_voice_duration_millis=850,
    associated_intent_name="BookHotel",
    associated_slot_name="City",
    intent_state="InProgress",
)
BARE = UtteranceSpecification("A", "1", "en_GB", "s", 0.0, 0.0, "\x1b[2J=1", 0.0, "r2", False)


def test_a_table_shows_what_was_missed(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_utterances([FULL, BARE], "BOT") == 2
    _, header, first, second = capsys.readouterr().out.rstrip().splitlines()
    assert header.split()[:3] == ["when", "(UTC)", "utterance"]
    assert first.split() == [
        "2026-11-20", "21:48:40", "a", "room,", "please", "BookHotel", "City", "InProgress", "en_US", "guest-1",
    ]  # fmt: skip
    assert "missed: -" in second
    assert "\x1b" not in second


def test_csv_has_every_member(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv([FULL, BARE], utterance_cells())
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (first["utterance"], first["utteranceUnderstood"], first["audioVoiceDurationMillis"]) == (
        "a room, please", "true", "850",
    )  # fmt: skip
    assert first["utteranceTimestamp"] == "2026-11-20T21:48:40.648Z"
    assert "Where?" in first["botResponses"]
    assert (second["utteranceUnderstood"], second["associatedIntentName"]) == ("false", "")
    assert second["utterance"].isprintable()
