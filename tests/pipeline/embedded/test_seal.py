"""A sealed process opens nothing but its folder, whatever it is told; the engine's process is sealed."""

import http.client
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.embedded.seal import version
from tests.paths import ROOT
from tests.services import ask, clickhouse

WORD = "outside-the-data-folder"
SINCE_SIGNALS = 6

pytestmark = pytest.mark.skipif(version() < SINCE_SIGNALS, reason="this kernel has no Landlock, or an early one")

TRIALS = """
import errno, os, socket, subprocess, sys
from pathlib import Path
from pipeline.embedded.seal import seal

folder, outside, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
parent = os.getppid()
assert seal(folder, connects=False)
trials = {
    "read": lambda: outside.read_text(),
    "list": lambda: os.listdir(outside.parent),
    "write": lambda: (outside.parent / "new").write_text(""),
    "link": lambda: os.link(outside, folder / "linked"),
    "through a link": lambda: ((folder / "link").symlink_to(outside), (folder / "link").read_text()),
    "move": lambda: outside.rename(folder / "moved"),
    "environment": lambda: Path("/proc/self/environ").read_text(),
    "that of another": lambda: Path(f"/proc/{parent}/environ").read_text(),
    "program": lambda: subprocess.run(["/bin/true"], check=True),
    "connect": lambda: socket.create_connection(("127.0.0.1", port)),
    "listen": lambda: socket.create_server(("127.0.0.1", 0)),
    "signal": lambda: os.kill(parent, 0),
}
for name, trial in trials.items():
    try:
        trial()
    except OSError as refused:
        if refused.errno in {errno.EACCES, errno.EPERM, errno.EXDEV}:
            continue
    print(name)
(folder / "a").write_text("fine")
(folder / "b").mkdir()
(folder / "a").rename(folder / "b" / "a")
print((folder / "b" / "a").read_text())
import sqlite3, zoneinfo
"""

HIDDEN = (
    "SELECT * FROM format(Values, 'a String', $$(file('{file}'))$$)",
    "SELECT * FROM format(Values, 'a String', concat('(fi', 'le(''{file}''))'))",
    "SELECT b FROM values('a UInt8, b String ALIAS file(''{file}'')', 1)",
    "SELECT * FROM format(JSONEachRow, 'a UInt8, b String DEFAULT file(''{file}'')', '{{\"a\": 1}}')",
)
"""Statements that call `file` from where no reading of the statement shows it."""


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that nobody may read."""
    file = tmp_path / "outside" / "secret"
    file.parent.mkdir()
    file.write_text(WORD)
    return file


@pytest.fixture
def port() -> Iterator[int]:
    """A port that nobody may call."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]
        listening.setblocking(False)
        with suppress(BlockingIOError):
            pytest.fail(f"called by {listening.accept()}")


def test_a_sealed_process_has_its_folder_and_nothing_else(tmp_path: Path, outside: Path, port: int) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    words = [sys.executable, "-c", TRIALS, str(folder), str(outside), str(port)]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == ("fine\n", "", 0)
    assert [*outside.parent.iterdir()] == [outside]


def test_the_engine_is_sealed(tmp_path: Path, outside: Path, port: int) -> None:
    with clickhouse(tmp_path / "clickhouse", {"TURNFOLD_CLICKHOUSE_PASSWORD": ""}) as url:
        ask(url, "CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
        for statement in HIDDEN:
            for file in (str(outside), "/proc/self/environ"):
                answer = ask(url, statement.format(file=file))
                assert answer.status != http.client.OK, statement
                assert WORD.encode() not in answer.body, statement
        written = ask(url, "INSERT INTO t VALUES (file({x:String}))", param_x=str(outside))
        assert b"Permission denied" in written.body
        assert ask(url, "SELECT count() FROM t").text == "0\n"
        lake = f"DataLakeCatalog('http://127.0.0.1:{port}') SETTINGS catalog_type = 'rest', warehouse = 'a'"
        ask(url, f"CREATE DATABASE lake ENGINE = {lake}", allow_database_iceberg=1)
    assert [*outside.parent.iterdir()] == [outside]
