"""`turnfold bots` lists the bots that have conversations."""

import csv
import io
import json
from collections.abc import Iterator

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from tests.agents.cli.command import turnfold
from tests.agents.cli.commands.query.counted import counted
from tests.pipeline.http.serving import serving
from tests.pipeline.query.session_entries import BOT


@pytest.fixture
def api(with_tables: Settings) -> Iterator[Settings]:
    with counted(with_tables) as settings:
        yield settings


def test_all_formats_show_the_same(api: Settings) -> None:
    (told,) = json.loads(turnfold(api, "bots", "--format", "json").out)
    assert (told["botId"], told["botName"]) == (BOT, "Travel")
    (row,) = csv.DictReader(io.StringIO(turnfold(api, "bots", "--format", "csv").out))
    assert row == {"botName": "Travel", "botId": BOT, "lastUpdatedDateTime": "2026-05-30T12:00:01.000Z"}
    _, line = turnfold(api, "bots").out.splitlines()
    assert line.split() == ["Travel", BOT, "2026-05-30", "12:00:01"]


def test_names_are_searched(api: Settings) -> None:
    assert len(json.loads(turnfold(api, "bots", "--contains", "rave", "--format", "json").out)) == 1
    assert json.loads(turnfold(api, "bots", "--contains", "bank", "--format", "json").out) == []
    refused = turnfold(api, "bots", "--contains", "it's")
    assert (refused.status, refused.out) == (2, "")
    assert "1 to 100 of 0-9, A-Z, a-z, _ ( ) - and spaces" in refused.err


def test_without_bots_there_is_a_hint(with_tables: Settings) -> None:
    with serving(create_app(with_tables)) as url:
        found = turnfold(msgspec.structs.replace(with_tables, api=url), "bots")
    assert (found.status, found.out, found.err.partition(";")[0]) == (0, "", "no bots")
