"""A tree of paths is printed with counts, shares and bars."""

import csv
import io
import json

import pytest

from agents.cli.output.query.lists import print_csv
from agents.cli.output.query.paths import path_cells, print_paths_json, print_tree
from agents.cli.path_tree import PathNode

LEAF = PathNode("/BookHotel/BookCar", 5, 15)
TREE = PathNode("/", 100, 0, [PathNode("/BookHotel", 30, 50, [LEAF]), PathNode("/Bank\x1b[2J", 0, 15)])


def test_a_tree_has_a_line_for_each_path(capsys: pytest.CaptureFixture[str]) -> None:
    print_tree(TREE, "BOT, a day")
    title, hotel, car, rest, bank, others = (line.rstrip() for line in capsys.readouterr().out.rstrip().splitlines())
    assert title == "BOT, a day: 100 conversations with an intent"
    assert hotel.split()[1:4] == ["BookHotel", "80", "80%"]
    assert hotel.endswith("  50 ended here")
    assert car.split()[2:5] == ["BookCar", "20", "20%"]
    assert rest.endswith("others 10")
    assert bank.split()[2:4] == ["15", "15%"]
    assert "\x1b" not in bank
    assert others.endswith("others 5")


def test_a_tree_of_a_path_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_tree(LEAF, "BOT")
    assert capsys.readouterr().out.rstrip() == "BOT: 20 conversations took /BookHotel/BookCar"


def test_programs_get_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_paths_json(TREE)
    found = json.loads(capsys.readouterr().out)
    assert found[2] == {
        "intentPath": "/BookHotel/BookCar", "intentLevel": 2, "intentName": "BookCar", "conversations": 20,
        "share": 0.2, "onward": 5, "ended": 15,
    }  # fmt: skip
    print_csv(TREE.walk(), path_cells(TREE.count))
    rows = [*csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert [int(row["conversations"]) for row in rows] == [each["conversations"] for each in found] == [100, 80, 20, 15]
    print_paths_json(PathNode("/"))
    assert json.loads(capsys.readouterr().out) == []
