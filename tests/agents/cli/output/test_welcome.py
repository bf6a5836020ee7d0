"""The commands of the welcome message can be pasted as they are, whatever ports and folder were chosen."""

import shlex
from pathlib import Path

import msgspec
import pytest

from agents.cli.output.welcome import DEMO_BOT, welcome
from agents.embedded.options import Options
from pipeline.config.settings import Settings

USUAL = Options(Path("/data"), 8080, 8081, 9092, 8123, 1, demo=True)


def changed(**changes: object) -> Options:
    fields = {name: getattr(USUAL, name) for name in USUAL.__slots__}
    return Options(**{**fields, **changes})


def commands(text: str) -> list[str]:
    """The indented lines after the heading of what to try."""
    return [line.strip() for line in text.partition("Try, in another terminal")[2].splitlines() if line[:2] == "  "]


@pytest.fixture(autouse=True)
def _called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/turnfold", "up"])


def test_the_message_begins_with_ready_and_has_every_address() -> None:
    text = welcome(changed(api_port=1, kafka_port=2, clickhouse_port=3))
    assert text.startswith("ready\n")
    assert all(f"127.0.0.1:{port}" in text for port in (1, 2, 3))
    assert "topics are in memory" in text
    assert "http://127.0.0.1:1/console/" in text
    assert "token         in /data/api.token" in text
    assert "token" not in welcome(changed(open=True))
    assert "data in /data/clickhouse" in text


def test_services_of_ones_own_are_named_as_such() -> None:
    text = welcome(changed(kafka="kafka.example:9092", clickhouse="https://clickhouse.example"))
    assert "kafka.example:9092   (yours: its topics survive a stop)" in text
    assert "https://clickhouse.example   (yours)" in text


def test_a_shell_gets_the_secrets_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert commands(welcome(USUAL))[0] == ". /data/env"
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "my data"
    assert shlex.split(commands(welcome(changed(data=folder)))[0]) == [".", "my data/env"]


def test_without_secrets_commands_carry_the_addresses_that_are_not_the_defaults() -> None:
    status, sessions, aws = commands(welcome(changed(open=True, api_port=18080)))
    assert status == "TURNFOLD_API=http://127.0.0.1:18080 /usr/bin/turnfold status"
    assert sessions == f"TURNFOLD_API=http://127.0.0.1:18080 /usr/bin/turnfold sessions {DEMO_BOT} --last 7d"
    assert "--no-sign-request --region us-east-1 --endpoint-url http://127.0.0.1:18080" in aws
    assert commands(welcome(changed(open=True)))[0] == "/usr/bin/turnfold status"
    assert msgspec.structs.asdict(Settings())["api"] == "http://127.0.0.1:8080"


def test_without_sample_traffic_the_message_says_how_to_get_some() -> None:
    assert "sample traffic: /usr/bin/turnfold demo" in welcome(changed(demo=False))
    assert "sample traffic" not in welcome(USUAL)


def test_the_message_says_how_to_see_the_users_own_bot() -> None:
    with_port = welcome(changed(open=True, kafka_port=19092))
    assert "own bot: TURNFOLD_KAFKA=127.0.0.1:19092 /usr/bin/turnfold ingest FILE\n" in with_port
    assert "own bot: /usr/bin/turnfold ingest FILE\n" in welcome(USUAL)


def test_turnfold_is_named_as_it_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", [str(tmp_path / ".venv/bin/turnfold"), "up"])
    assert commands(welcome(USUAL))[1] == ".venv/bin/turnfold status"
    monkeypatch.setattr("sys.argv", ["/somewhere/agents/cli/main.py", "up"])
    assert commands(welcome(USUAL))[1] == "turnfold status"
