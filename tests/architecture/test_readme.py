"""The README names commands, options and settings that exist, and quotes output that commands print."""

import re
import shlex

import click
import pytest

from agents.cli.main import turnfold
from tests.deploy.files import unknown_variables
from tests.paths import ROOT

TEXT = (ROOT / "README.md").read_text()
COMMANDS = sorted(set(re.findall(r"(?:`|^    |data/keys\.json )turnfold ([a-z][^`#\n]*)", TEXT, re.MULTILINE)))


def test_the_readme_has_commands() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_exists_with_its_options(command: str) -> None:
    words = shlex.split(command.replace("...", ""))
    known: click.Command = turnfold
    while isinstance(known, click.Group) and words:
        found = known.get_command(click.Context(known), words[0].rstrip(","))
        assert found is not None, words
        known, words = found, words[1:]
    options = {option for parameter in known.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_every_setting_exists() -> None:
    assert unknown_variables(TEXT) == set()


@pytest.mark.parametrize(
    "quote",
    [
        "  query layer   http://",
        "started (UTC)",
        " dead, ",
        " touched, ",
        " conversations compared: ",
        " only live, ",
        " events only live",
        "not swapped: the same command with --swap does that",
    ],
)
def test_quoted_output_is_what_a_command_prints(quote: str) -> None:
    assert quote in TEXT
    assert any(quote in file.read_text() for file in (ROOT / "agents" / "cli").rglob("*.py"))
