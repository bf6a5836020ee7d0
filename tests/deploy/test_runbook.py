"""Commands, options, settings, services and chapters that the run book names exist."""

import asyncio
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import click
import pytest

from agents.cli.main import turnfold
from pipeline.auth.authenticator import Authenticator
from pipeline.auth.sigv4 import SignedRequest
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import connection
from pipeline.store.schema.migrate import migrate
from schemas.access_key import Right
from schemas.columns import columns
from schemas.conversation import Conversation
from tests.agents.cli.command import WITHIN
from tests.agents.cli.command import environ as environ_of
from tests.deploy.files import DEPLOY, read_yaml, unknown_variables
from tests.deploy.test_prometheus import anchors
from tests.paths import ROOT

TEXT = (DEPLOY / "RUNBOOK.md").read_text()
SERVICES = read_yaml("compose.yaml")["services"]
CHAPTERS = (
    "Deploy",
    "Access keys",
    "Upgrade",
    "Scale out",
    "Dead letters",
    "ClickHouse or Kafka is unavailable",
    "Back up and restore",
)


def commands(prefix: str) -> Iterator[list[str]]:
    """Yield the arguments of every command that begins with `prefix`, in code blocks and in running text."""
    blocks = re.findall(r"(?s)```sh\n(.*?)```", TEXT)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", " ", block).splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", TEXT)]:
        words = shlex.split(line, comments=True)
        if words[:1] == [prefix]:
            yield list(takewhile("|".__ne__, words[1:]))


OURS = [*commands("tf"), *commands("turnfold"), *(["keys", *words] for words in commands("tfkeys"))]


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_a_turnfold_command_exists_with_its_options(words: list[str]) -> None:
    command: click.Command = turnfold
    context = click.Context(command)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, words
        context, command, words = click.Context(found), found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.partition("=")[0] for word in words if word.startswith("--")} <= known


def test_the_run_book_has_turnfold_commands() -> None:
    """Without any, the tests above would check nothing."""
    assert len(OURS) >= 10
    assert any(words[0] == "audit" for words in OURS)


@pytest.mark.parametrize("words", list(commands("dc")), ids=" ".join)
def test_a_compose_command_names_existing_services(words: list[str]) -> None:
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


def test_every_setting_exists() -> None:
    assert unknown_variables(TEXT) == set()


def test_every_link_has_a_target() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        path, _, anchor = target.partition("#")
        assert not path or (DEPLOY / path).exists(), target
        assert not anchor or anchor in anchors(TEXT), target


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_exists(chapter: str) -> None:
    assert f"\n## {chapter}\n" in TEXT


@pytest.mark.parametrize(
    "message", ["cannot continue", "inputs are not log entries", "StatementError", "offsets cannot be committed"]
)
def test_a_quoted_message_is_one_that_turnfold_logs(message: str) -> None:
    sources = (file.read_text() for package in ("pipeline", "agents") for file in (ROOT / package).rglob("*.py"))
    assert message.lower() in TEXT.lower()
    assert any(message in source for source in sources)


def test_a_lost_table_is_created_as_the_run_book_says(with_tables: Settings) -> None:
    """With all its columns, of which the later migrations add most."""
    (statement,) = re.findall(r"`(TRUNCATE TABLE turnfold\.\w+)`", TEXT)

    async def lose_and_create() -> list[str]:
        async with connection(with_tables) as clickhouse:
            await clickhouse.command("DROP TABLE conversations")
            await clickhouse.command(statement.replace("turnfold.", ""))
        await migrate(with_tables)
        async with connection(with_tables) as clickhouse:
            named = "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'conversations'"
            return [name for (name,) in await clickhouse.rows(named)]

    assert asyncio.run(lose_and_create()) == list(columns(Conversation))


def test_the_created_secrets_are_those_that_compose_needs() -> None:
    (made,) = re.findall(r"for name in ([A-Z_ ]+);", TEXT)
    assert set(made.split()) == set(re.findall(r"\$\{(\w+):\?", (DEPLOY / "compose.yaml").read_text()))


def test_the_first_keys_are_stored_where_prometheus_and_the_command_line_read_them(tmp_path: Path) -> None:
    """Run the commands as a user would type them, but without containers."""
    (block,) = (block for block in re.findall(r"(?s)```sh\n(.*?)```", TEXT) if "sed -n" in block)
    script = block.replace("dc build", "").replace("deploy/.env", "env")
    defined = f'tfkeys() {{ "{sys.executable}" -m agents.cli.main keys "$@"; }}; cd "{tmp_path}"\n'
    environ = environ_of(Settings(api_keys=str(tmp_path / "keys"))) | {"PYTHONPATH": str(ROOT)}
    subprocess.run(["/bin/sh", "-euc", defined + script], env=environ, capture_output=True, timeout=WITHIN, check=True)
    tokens = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    authenticator = Authenticator(tmp_path / "keys", now_ms)
    keys = {
        name: authenticator.authenticate(SignedRequest("GET", "/", [("authorization", f"Bearer {token}")], b""))
        for name, token in tokens.items()
    }
    assert set(keys) == {"METRICS_TOKEN", "TURNFOLD_API_TOKEN"}
    assert (keys["METRICS_TOKEN"].rights, keys["METRICS_TOKEN"].bots) == ((Right.ADMIN,), ())
    assert Right.ADMIN not in keys["TURNFOLD_API_TOKEN"].rights
    (secret,) = read_yaml("compose.yaml")["secrets"].values()
    assert secret == {"environment": "METRICS_TOKEN"}
    assert "exec --env TURNFOLD_API_TOKEN query" in TEXT
