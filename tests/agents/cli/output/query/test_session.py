"""A session is printed as tables, on which text from outside has no effect."""

import pytest

from agents.cli.output.query.session import print_session
from schemas.lex.session_v1 import ActiveContextV1, DialogActionV1, GetSessionV1Response, IntentSummary
from schemas.lex.session_v2 import ImageResponseCard, Message, TimeToLive
from schemas.lex.transcript import GetTranscriptResponse, SpokenTurn

SESSION = GetSessionV1Response(
    recent_intent_summary_view=(
        IntentSummary("BookHotel", {"City": "Lisbon", "Nights": None}, "None", "ElicitSlot", slot_to_elicit="Nights"),
        IntentSummary("Greet", {}, "Confirmed", "Close", checkpoint_label="Met", fulfillment_state="Fulfilled"),
    ),
    session_attributes={"tier": "gold"},
    session_id="origin-1",
    dialog_action=DialogActionV1("ElicitSlot", "BookHotel", {"City": "Lisbon"}, "Nights"),
    active_contexts=(ActiveContextV1("booking", TimeToLive(590), {"city": "Lisbon"}),),
)
TURNS = (
    SpokenTurn(1_780_000_000.1, "r1", (), operation_name="PutSession"),
    SpokenTurn(1_780_000_001.2, "r2", (Message("PlainText", "Where\nto?"),), input_transcript="A room [b]please[/b]"),
    SpokenTurn(1_780_000_002.3, "r3", (Message("ImageResponseCard", image_response_card=ImageResponseCard("Rooms")),)),
)
TRANSCRIPT = GetTranscriptResponse(
    "BOTAAAAAA1", "TSTALIASID", "3", "en_US", "user-1", "origin-1", turns=TURNS, truncated=False
)


def printed(capsys: pytest.CaptureFixture[str], session: GetSessionV1Response = SESSION) -> list[str]:
    print_session("Travel / live / user-1", session, TRANSCRIPT)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_everything_that_is_known_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == [
        "Travel / live / user-1",
        "conversation origin-1",
        "bot BOTAAAAAA1, version 3",
        "alias, locale TSTALIASID, en_US",
        "last turn 2026-05-28 20:26:42",
        "next ElicitSlot BookHotel Nights",
        "state in progress",
        "attributes tier=gold",
        "",
        "recent intents",
        "intent state confirmed label next slots",
        "BookHotel - None - ElicitSlot Nights City=Lisbon, Nights=-",
        "Greet Fulfilled Confirmed Met Close -",
        "",
        "active contexts",
        "context seconds left turns left parameters",
        "booking 590 - city=Lisbon",
        "",
        "transcript",
        "time (UTC) who what",
        "20:26:40 - PutSession",
        "20:26:41 user A room [b]please[/b]",
        "20:26:41 bot Where to?",
        "20:26:42 bot [card] Rooms",
        "",
    ]


def test_what_there_is_not_has_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    bare = GetSessionV1Response((), {}, "origin-1", DialogActionV1("Delegate"), ())
    lines = printed(capsys, bare)
    assert "recent intents" not in lines
    assert "active contexts" not in lines
    assert "attributes -" in lines


def test_a_terminal_obeys_nothing_that_was_said(capsys: pytest.CaptureFixture[str]) -> None:
    odd = GetSessionV1Response((), {"\x1b[31m": "\x9b2J"}, "o\a", DialogActionV1("Close", "\x1b]0;x\a"), ())
    text = "\n".join(printed(capsys, odd))
    assert not {"\x1b", "\x9b", "\a"} & set(text)
    assert "\N{REPLACEMENT CHARACTER}[31m" in text
