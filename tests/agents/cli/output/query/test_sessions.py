"""Sessions are printed as a table, JSON and CSV with the same content."""

import csv
import io
import json

import pytest
from msgspec import UNSET

from agents.cli.output.query.lists import print_csv, print_json
from agents.cli.output.query.sessions import cells, print_table
from schemas.lex.analytics.list_sessions import InvokedIntentSample, SessionSpecification

FULL = SessionSpecification(
    bot_alias_id="TSTALIASID",
    bot_version="12",
    locale_id="en_US",
    session_id='guest, "one"',
    conversation_start_time=1795211320.648,
    conversation_end_time=1795215000.001,
    conversation_duration_seconds=3679,
    number_of_turns=5,
    invoked_intent_samples=(InvokedIntentSample("BookTrain"), InvokedIntentSample("BookHotel")),
    originating_request_id="r1",
    channel="Slack",
    conversation_end_state="Success",
    mode="Text",
)
BARE = SessionSpecification("A", "1", "en_GB", "s", 1795211320.0, 1795211320.0, 0, 1, (), "r2", UNSET, UNSET, UNSET)


@pytest.mark.parametrize("found", [[], [FULL], [FULL, BARE]])
def test_json_is_one_array_as_the_api_words_it(
    found: list[SessionSpecification], capsys: pytest.CaptureFixture[str]
) -> None:
    print_json(iter(found))
    said = json.loads(capsys.readouterr().out)
    assert [one["sessionId"] for one in said] == [one.session_id for one in found]
    if len(found) == 2:
        assert said[0]["conversationStartTime"] == 1795211320.648
        assert "conversationEndState" not in said[1]


def test_csv_has_a_header_and_keeps_commas_and_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv([FULL, BARE], cells())
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert first["sessionId"] == FULL.session_id
    assert first["conversationStartTime"] == "2026-11-20T21:48:40.648Z"
    assert first["conversationEndTime"] == "2026-11-20T22:50:00.001Z"
    assert first["invokedIntents"] == "BookTrain/BookHotel"
    assert (second["conversationEndState"], second["mode"], second["channel"]) == ("", "", "")


def test_a_table_shows_utc_and_who_is_still_talking(capsys: pytest.CaptureFixture[str]) -> None:
    assert print_table([FULL, BARE], "BOT") == 2
    title, header, first, second = capsys.readouterr().out.rstrip().split("\n")
    assert title.rstrip() == "BOT"
    assert header.startswith("started (UTC)")
    assert first.split()[:6] == ["2026-11-20", "21:48:40", "1:01:19", "5", "Success", "BookTrain"]
    assert " open " in second


def test_a_table_obeys_nothing_that_comes_from_outside(capsys: pytest.CaptureFixture[str]) -> None:
    """Session ids are chosen by whoever talks to the bot."""
    evil = "\x1b]0;owned\x07[red]x[/red]\r\n"
    print_table(
        [SessionSpecification("A", "1", "en", evil, 0, 0, 0, 1, (InvokedIntentSample(evil),), "r", evil, evil, evil)],
        evil,
    )
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "[red]x[/red]" in shown
