"""The command line starts fast, and reports every error in one line."""

import os
import subprocess
import sys

import msgspec
import pytest

from agents.cli import main
from pipeline.config.load import variables
from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError, UsageError
from tests.agents.cli.command import turnfold
from tests.paths import ROOT

NOWHERE = Settings(kafka=("127.0.0.1:1",), clickhouse="http://127.0.0.1:1", api="http://127.0.0.1:1")


def test_help_lists_every_command_and_every_setting_with_its_default() -> None:
    found = turnfold(Settings(), "--help")
    assert found.status == 0
    for name in [*main.COMMANDS, *variables()]:
        assert f"  {name} " in found.out
    assert "127.0.0.1:9092" in found.out
    assert "NODEFAULT" not in found.out


HEAVY = {
    "aiohttp", "aiokafka", "asyncio", "boto3", "botocore", "chdb", "clickhouse_connect", "confluent_kafka", "faust",
    "importlib.metadata", "jinja2", "kafka", "logging", "numpy", "pandas", "prometheus_client", "pyarrow", "rich",
    "secrets", "starlette", "tempfile", "urllib3", "uvicorn",
}  # fmt: skip
"""Modules that take milliseconds to import, some of them a hundred."""
PRINTS_A_TABLE, SENDS_REQUESTS = {"rich"}, {"importlib.metadata", "logging", "tempfile", "urllib3"}


@pytest.mark.parametrize(("arguments", "needed"), [
    (["--help"], set()),
    (["keys", "--help"], {"logging", "secrets", "tempfile"}),
    (["up", "--help"], {"asyncio", "logging", "secrets", "tempfile"}),
    (["sessions", "TRAVELBOT1"], PRINTS_A_TABLE | SENDS_REQUESTS),
    (["session", "--help"], PRINTS_A_TABLE | SENDS_REQUESTS),
    (["watch", "--help"], PRINTS_A_TABLE | SENDS_REQUESTS),
    (["metrics", "--help"], PRINTS_A_TABLE | SENDS_REQUESTS),
])  # fmt: skip
def test_a_command_imports_only_what_it_needs(arguments: list[str], needed: set[str]) -> None:
    assert imported_by(arguments) - needed == set()


@pytest.mark.parametrize(("command", "unused"), [
    ("serve", {"aiokafka", "confluent_kafka", "faust", "kafka"}),
    ("receive", {"aiohttp", "aiokafka", "clickhouse_connect", "faust", "jinja2", "kafka"}),
    ("worker", {"botocore", "confluent_kafka", "jinja2", "kafka", "starlette"}),
])  # fmt: skip
def test_a_server_imports_no_client_of_what_it_does_not_use(command: str, unused: set[str]) -> None:
    assert unused & imported_by([command, "--help"]) == set()


def test_what_a_command_imports_is_found() -> None:
    assert {"aiohttp", "clickhouse_connect", "kafka"} <= imported_by(["status", "--help"])


def imported_by(arguments: list[str]) -> set[str]:
    """Return the modules of `HEAVY` that a command imports."""
    code = f"import sys; from agents.cli.main import run; run({arguments}); print(*sys.modules)"
    command = [sys.executable, "-c", code]
    environ = {**os.environ, "TURNFOLD_API": NOWHERE.api}
    ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True)
    return HEAVY & set(ran.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_has_help_of_its_own(name: str) -> None:
    found = turnfold(Settings(), name, "--help")
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith(f"Usage: turnfold {name}")


def test_the_version_is_told() -> None:
    found = turnfold(Settings(), "--version")
    assert found.status == 0
    assert found.out.startswith("turnfold ")


@pytest.mark.parametrize(("arguments", "said"), [
    ((), "Usage: turnfold"),
    (("fold",), "No such command 'fold'"),
    (("sesions", "B"), "No such command 'sesions'. Did you mean sessions?"),
    (("--loud",), "No such option"),
    (("ingest",), "Missing argument 'FILE...'"),
    (("status", "now"), "unexpected extra argument"),
])  # fmt: skip
def test_asking_wrongly_ends_with_status_2(arguments: tuple[str, ...], said: str) -> None:
    found = turnfold(Settings(), *arguments)
    assert (found.status, found.out) == (2, "")
    assert said in found.err


@pytest.mark.parametrize("arguments", [("migrate",), ("ingest", "-"), ("demo",), ("sessions", "TRAVELBOT1")])
def test_what_is_away_is_told_in_one_line_with_status_1(arguments: tuple[str, ...]) -> None:
    found = turnfold(NOWHERE, *arguments)
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("turnfold: ")
    assert found.err.count("\n") == 1
    assert "127.0.0.1:1 does not answer" in found.err


def test_a_wrong_setting_is_told_before_anything_is_tried() -> None:
    found = turnfold(msgspec.structs.replace(NOWHERE, topic_partitions=0), "migrate")
    assert (found.status, found.err) == (
        2,
        "turnfold: TURNFOLD_TOPIC_PARTITIONS='0' is invalid: Expected `int` >= 1\n",
    )


def test_a_setting_that_does_not_exist_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {**os.environ, "TURNFOLD_KAFKAS": "x"})
    assert main.run(["status"]) == 2


@pytest.mark.parametrize(
    ("error", "status"), [(UsageError("so"), 2), (TransientError("so"), 1), (KeyboardInterrupt(), 130)]
)
def test_each_kind_of_error_has_its_status(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> Settings:
        raise error

    monkeypatch.setattr(main, "load_settings", fail)
    assert main.run(["status"]) == status
    assert capsys.readouterr().err.strip() == ("" if status == 130 else "turnfold: so")


def test_a_fault_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "load_settings", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main.run(["status"])


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    command = f"{sys.executable} -m agents.cli.main --help | head -n 1"
    found = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, check=True)  # noqa: S607 - a pipe is tested
    assert found.stderr == b""
