"""Every claim of SECURITY.md names tests that exist; its links, settings and commands exist too."""

import re

import click
import pytest

from agents.cli.main import turnfold
from pipeline.auth.errors import Denial
from schemas.access_key import Right
from tests.deploy.files import DEPLOY, unknown_variables

TEXT = (DEPLOY / "SECURITY.md").read_text()
CLAIMS = re.findall(r"^\| (.+?) \| ((?:\[`[^`]+`\]\([^)]+\)(?:, )?)+) \|$", TEXT, re.MULTILINE)
COMMANDS = [line.split("#")[0].split() for line in re.findall(r"^    turnfold (.+)$", TEXT, re.MULTILINE)]


def test_the_page_has_claims() -> None:
    assert len(CLAIMS) >= 15


@pytest.mark.parametrize(("claim", "links"), CLAIMS, ids=[claim for claim, _ in CLAIMS])
def test_a_claim_names_existing_tests(claim: str, links: str) -> None:
    for name, path in re.findall(r"\[`([^`]+)`\]\(([^)]+)\)", links):
        file = DEPLOY / path
        assert file.name == name, claim
        assert "\ndef test_" in file.read_text(), claim


def test_every_link_has_a_target() -> None:
    for path in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (DEPLOY / path).exists(), path


def test_every_setting_exists() -> None:
    assert unknown_variables(TEXT) == set()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_exists(words: list[str]) -> None:
    command: click.Command = turnfold
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, words
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_all_rights_and_refusals_are_described() -> None:
    for right in Right:
        assert f"| `{right}` |" in TEXT
    for denial in Denial:
        assert f"`{denial}`" in TEXT
