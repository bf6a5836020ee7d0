"""Options that select dead letters become one query."""

import click
import pytest

from agents.cli.dead_letter_filter import LetterFilter, PlaceType, build_query
from pipeline.kafka.dead_letters.reader import DeadLetterPlace
from pipeline.kafka.dead_letters.retry import DeadLetterQuery
from pipeline.runtime.errors import UsageError

NOTHING: LetterFilter = {"reasons": (), "topics": (), "steps": (), "begin": None, "end": None}


def test_no_option_asks_for_all() -> None:
    assert build_query(NOTHING) == DeadLetterQuery()


def test_every_option_is_a_condition() -> None:
    asked: LetterFilter = {
        "reasons": ("empty", "not-json"), "topics": ("turns",), "steps": ("intake",),
        "begin": "1970-01-01T00:00:01", "end": "1970-01-01T01:00:02+01:00",
    }  # fmt: skip
    assert build_query(asked, (DeadLetterPlace(0, 1),)) == DeadLetterQuery(
        frozenset({"empty", "not-json"}),
        frozenset({"turns"}),
        frozenset({"intake"}),
        frozenset({DeadLetterPlace(0, 1)}),
        1000,
        2000,
    )


def test_a_time_that_is_none_is_said_with_its_option() -> None:
    with pytest.raises(UsageError, match="--to 'soon'"):
        build_query({**NOTHING, "end": "soon"})


def test_a_place_is_a_partition_and_an_offset() -> None:
    assert PlaceType().convert("12:0345", None, None) == DeadLetterPlace(12, 345)


@pytest.mark.parametrize("text", ["", "1", "1:", ":1", "1:2:3", "-1:2", "a:b", "1:2 ", "٣:٤", "1:" + "9" * 30])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a place; expected 0:17"):
        PlaceType().convert(text, None, None)
