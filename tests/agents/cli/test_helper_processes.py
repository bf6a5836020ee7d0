"""A helper process runs the same command with the same arguments."""

import pytest

from agents.cli.commands.ingest.backfill import backfill
from agents.cli.commands.ingest.pull import kinesis
from agents.cli.helper_processes import helper_arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["backfill", "--processes", "2", "a", "b"],
        ["backfill", "--processes", "2", "--", "a", "b"],
        ["--", "backfill", "a", "--processes=2", "--", "b"],
        ["backfill", "--processes", "2", "a", "--", "b"],
    ],
)
def test_the_paths_and_options_of_a_helper_are_those_of_the_command(arguments: list[str]) -> None:
    rest = helper_arguments(arguments)
    told = backfill.make_context("backfill", rest[rest.index("backfill") + 1 :]).params
    assert (told["paths"], told["processes"], told["assist"]) == (("a", "b"), 2, True)


def test_the_name_of_a_command_may_have_two_words() -> None:
    rest = helper_arguments(["pull", "kinesis", "stream", "--processes", "2"], names=2)
    told = kinesis.make_context("kinesis", rest[2:]).params
    assert rest[:2] == ["pull", "kinesis"]
    assert (told["stream"], told["processes"], told["assist"]) == ("stream", 2, True)
