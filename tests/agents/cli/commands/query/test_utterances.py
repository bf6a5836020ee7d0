"""`turnfold utterances` lists what users typed or said."""

import csv
import io
import json
from collections.abc import Iterator

import pytest

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold
from tests.agents.cli.commands.query.counted import FROM_TO, counted
from tests.pipeline.query.session_entries import BOT


@pytest.fixture
def api(with_tables: Settings) -> Iterator[Settings]:
    with counted(with_tables) as settings:
        yield settings


def texts(api: Settings, *options: str) -> list[str]:
    found = turnfold(api, "utterances", BOT, *FROM_TO, "--format", "csv", *options)
    assert (found.status, found.err) == (0, "")
    return [row["utterance"] for row in csv.DictReader(io.StringIO(found.out))]


def test_the_newest_come_first_and_all_options_choose(api: Settings) -> None:
    hotel, car, missed = "I want BookHotel", "I want BookCar", "I want FallbackIntent"
    assert texts(api) == [car, hotel, missed, car, hotel, car, hotel]
    assert texts(api, "--order", "asc", "--limit", "2") == [hotel, car]
    assert texts(api, "--missed") == [missed]
    assert texts(api, "--contains", "Hotel") == [hotel] * 3
    assert texts(api, "--contains", "hotel") == []
    assert texts(api, "--contains", "Hotel", "--missed") == []
    assert texts(api, "--filter", "SessionId=guest-1") == [hotel]


def test_all_formats_show_the_same(api: Settings) -> None:
    told = json.loads(turnfold(api, "utterances", BOT, *FROM_TO, "--format", "json").out)
    assert [each["utterance"] for each in told] == texts(api)
    assert told[0]["botResponses"] == [{"contentType": "PlainText", "content": "Reply of 10"}]
    shown = turnfold(api, "utterances", BOT, *FROM_TO).out.splitlines()
    assert len(shown) == 2 + len(told)
    assert "missed: FallbackIntent" in shown[4]


def test_finding_nothing_says_what_may_help(api: Settings) -> None:
    found = turnfold(api, "utterances", BOT, "--last", "1s")
    assert (found.status, found.err.partition(";")[0]) == (0, "no utterances")
    cut = turnfold(api, "utterances", BOT, *FROM_TO, "--limit", "3")
    assert cut.err == "the first 3; --limit N or --all shows more\n"
