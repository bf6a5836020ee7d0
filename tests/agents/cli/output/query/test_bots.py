"""Bots are printed with name, id and the end of the last conversation."""

import pytest

from agents.cli.output.query.bots import bot_cells, print_bots
from schemas.lex.list_bots import BotSummary

BOT = BotSummary("BOTAAAAAA1", "Travel\x1b[31m", 1795211320.648)


def test_a_table_has_a_line_for_each_and_obeys_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    print_bots([BOT])
    header, line = capsys.readouterr().out.rstrip().splitlines()
    assert header.split()[:2] == ["bot", "id"]
    assert line.split()[1:] == ["BOTAAAAAA1", "2026-11-20", "21:48:40"]
    assert "\x1b" not in line


def test_cells_are_those_of_the_api() -> None:
    assert {name: value(BOT) for name, value in bot_cells().items()} == {
        "botName": BOT.bot_name,
        "botId": "BOTAAAAAA1",
        "lastUpdatedDateTime": "2026-11-20T21:48:40.648Z",
    }
