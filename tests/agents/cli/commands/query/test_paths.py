"""`turnfold paths` shows where conversations went."""

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


def test_a_tree_has_counts_and_shares(api: Settings) -> None:
    title, hotel, car, other, fallback = turnfold(api, "paths", BOT, *FROM_TO).out.splitlines()
    assert title.rstrip() == f"{BOT}, 2026-05-28 00:00 to 2026-06-28 00:00 UTC: 4 conversations with an intent"
    assert hotel.split()[1:4] == ["BookHotel", "3", "75%"]
    assert car.split()[2:5] == ["BookCar", "2", "50%"]
    assert other.split()[1:4] == ["BookCar", "1", "25%"]
    assert fallback.split()[1:4] == ["FallbackIntent", "1", "25%"]


def test_a_path_and_a_depth_choose_a_part_of_it(api: Settings) -> None:
    found = turnfold(api, "paths", BOT, "/BookHotel", *FROM_TO, "--format", "csv", "--depth", "1")
    rows = [*csv.DictReader(io.StringIO(found.out))]
    assert [(row["intentPath"], row["conversations"], row["ended"], row["share"]) for row in rows] == [
        ("/BookHotel", "3", "1", "1.0000"), ("/BookHotel/BookCar", "2", "2", "0.6667"),
    ]  # fmt: skip
    top = json.loads(turnfold(api, "paths", BOT, *FROM_TO, "--format", "json", "--depth", "1", "--least", "30").out)
    assert [each["intentPath"] for each in top] == ["/", "/BookHotel"]
    german = json.loads(turnfold(api, "paths", BOT, *FROM_TO, "--format", "json", "--filter", "LocaleId=de_DE").out)
    assert german == []


def test_a_path_that_nobody_took_is_no_error(api: Settings) -> None:
    found = turnfold(api, "paths", BOT, "/Nobody", *FROM_TO)
    assert (found.status, found.out) == (0, "")
    assert found.err.startswith("no conversations that took this path; --last 30d")


def test_what_is_no_path_is_refused(api: Settings) -> None:
    found = turnfold(api, "paths", BOT, "BookHotel", *FROM_TO)
    assert (found.status, found.out) == (2, "")
    assert "intentPath: expected names of intents in their order, such as /BookHotel/BookCar" in found.err
