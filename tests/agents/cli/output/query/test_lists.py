"""Any list is JSON as the API words it, or CSV with chosen columns."""

import csv
import io
import json

import pytest

from agents.cli.output.query.lists import print_csv, print_json
from schemas.lex.list_bots import BotSummary

BOTS = [BotSummary("BOTAAAAAA1", 'Tra"vel, 1', 1.5), BotSummary("BOTBBBBBB2", "=evil", 2.0)]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_json_is_one_array(count: int, capsys: pytest.CaptureFixture[str]) -> None:
    print_json(iter(BOTS[:count]))
    found = json.loads(capsys.readouterr().out)
    assert [(bot["botId"], bot["botName"], bot["lastUpdatedDateTime"]) for bot in found] == [
        (bot.bot_id, bot.bot_name, bot.last_updated_date_time) for bot in BOTS[:count]
    ]


def test_csv_has_a_header_even_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    cells = {"name": lambda bot: bot.bot_name, "time": lambda bot: int(bot.last_updated_date_time)}
    print_csv([], cells)
    print_csv(BOTS, cells)
    empty, *lines = capsys.readouterr().out.splitlines()
    assert empty == lines[0] == "name,time"
    rows = [*csv.DictReader(io.StringIO("\n".join(lines)))]
    assert rows == [{"name": 'Tra"vel, 1', "time": "1"}, {"name": "'=evil", "time": "2"}]
