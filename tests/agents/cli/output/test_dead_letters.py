"""Dead letters are printed with their origin, and their payload does nothing to a terminal."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cli.output.dead_letters import listed, print_json, print_letter, print_list
from agents.cli.output.write import escaped_text
from pipeline.kafka.dead_letters.reader import DeadLetterRecord
from schemas.dead_letter import DeadLetter

LETTER = DeadLetter("not-json", "at \x1b[31m 3", "intake", "turns.raw", 2, 77, b"{\x1b[31m\xff\n\xc3\xbc}", entry=4)
RECORD = DeadLetterRecord(0, 5, 1_780_000_000_123, LETTER, LETTER.payload)
FOREIGN = DeadLetterRecord(1, 6, 0, None, b"what?")


def test_a_list_tells_all_but_the_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    print_list(map(listed, [RECORD, FOREIGN]))
    out = capsys.readouterr().out
    words = ["0:5", "2026-05-28T20:26:40.123Z", "not-json", "intake", "turns.raw/2:77", "4", "11", "at �[31m 3"]
    assert out.splitlines()[1].split() == " ".join(words).split()
    assert "not-written-by-turnfold" in out
    assert "\x1b" not in out


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_json(map(listed, [RECORD, FOREIGN]))
    first, second = orjson.loads(capsys.readouterr().out)
    assert first == {
        "timestamp": 1_780_000_000_123, "partition": 0, "offset": 5, "at": "0:5", "time": "2026-05-28T20:26:40.123Z",
        "reason": "not-json", "detail": "at \x1b[31m 3", "step": "intake", "origin": "turns.raw/2:77", "entry": 4,
        "size": 11, "retried": False, "lacking": 0,
    }  # fmt: skip
    assert (second["reason"], second["origin"]) == ("not-written-by-turnfold", "")
    print_json([])
    assert orjson.loads(capsys.readouterr().out) == []


def test_one_letter_is_shown_with_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    print_letter(RECORD)
    shown, err = capsys.readouterr()
    for words in ("0:5", "not-json: at �[31m 3", "turns.raw/2:77, entry 4", "{\\x1b[31m\\xff\nü}"):
        assert words in shown
    assert err == ""
    print_letter(FOREIGN)
    assert "what?" in capsys.readouterr().out


def test_an_enormous_letter_is_cut_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_letter(DeadLetterRecord(0, 0, 0, None, b"x" * 4_000_000))
    shown, err = capsys.readouterr()
    assert len(shown) < 5_000
    assert "4,000 of 4,000,000 bytes; --raw" in err


@given(st.binary())
def test_no_byte_reaches_the_terminal_as_a_command(raw: bytes) -> None:
    assert escaped_text(raw).replace("\n", "").isprintable()
