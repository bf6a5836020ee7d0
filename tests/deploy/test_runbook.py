"""Whoever follows the run book types commands that exist, with options, settings, services and chapters that exist."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from agents.cli.main import turnfold
from tests.deploy.files import DEPLOY, read_yaml, unknown_variables
from tests.deploy.test_prometheus import anchors

TEXT = (DEPLOY / "RUNBOOK.md").read_text()
SERVICES = read_yaml("compose.yaml")["services"]
CHAPTERS = ("Deploy", "Upgrade", "Scale out", "Dead letters", "ClickHouse or Kafka is away", "Back up and restore")


def commands(prefix: str) -> Iterator[list[str]]:
    """The words after `prefix` wherever a command begins with it, in blocks and in running text."""
    blocks = re.findall(r"(?s)```sh\n(.*?)```", TEXT)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", " ", block).splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", TEXT)]:
        words = shlex.split(line, comments=True)
        if words[:1] == [prefix]:
            yield words[1:]


OURS = [*commands("tf"), *commands("turnfold")]


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_a_command_of_ours_exists_with_its_options(words: list[str]) -> None:
    command: click.Command = turnfold
    context = click.Context(command)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, words
        context, command, words = click.Context(found), found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_there_are_such_commands() -> None:
    """The tests above would pass over nothing."""
    assert len(OURS) >= 10
    assert any(words[0] == "audit" for words in OURS)


@pytest.mark.parametrize("words", list(commands("dc")), ids=" ".join)
def test_a_command_of_compose_names_services_that_there_are(words: list[str]) -> None:
    takes_value = {"--tail", "--scale", "--entrypoint"}
    verb, *rest = words
    assert verb in {"up", "build", "run", "exec", "stop", "restart", "ps", "logs"}
    plain = [
        word for before, word in zip([verb, *rest], rest, strict=False) if before not in takes_value and word[0] != "-"
    ]
    named = plain[:1] if verb in {"exec", "run"} else plain
    assert set(named) <= set(SERVICES), words
    for scaled in re.findall(r"--scale (\w+)=", " ".join(words)):
        assert scaled in SERVICES


def test_settings_that_are_named_exist() -> None:
    assert unknown_variables(TEXT) == set()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, anchor = target.partition("#")
        assert not path or (DEPLOY / path).exists(), target
        assert not anchor or anchor in anchors(TEXT), target


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_that_one_looks_for_is_there(chapter: str) -> None:
    assert f"\n## {chapter}\n" in TEXT


def test_secrets_that_are_made_are_those_that_are_needed() -> None:
    (made,) = re.findall(r"for name in ([A-Z_ ]+);", TEXT)
    assert set(made.split()) == set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))
