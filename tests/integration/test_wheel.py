"""The built wheel, installed into an empty environment far from this checkout, and the README's examples against it."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.output.welcome import DEMO_BOT
from tests.effort import IN_SEARCH
from tests.integration.stack import PATIENCE, TURNFOLD, Stack
from tests.paths import ROOT

pytestmark = IN_SEARCH  # `make test` runs what is not packed

UV = str(Path(sys.executable).with_name("uv"))
INSTALLED_WITHIN = 250.0
LARGEST = 1_050_000_000
"""Bytes of an installed `turnfold[embedded]`, more than half of them the engine."""


class Installed(Stack):
    """A stack whose commands are the installed ones, run in a folder that has no code."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "data", is_open=False)
        self.bin = folder / "installed" / "bin"

    def command(self, *more: str) -> list[str]:
        """The words of the installed `turnfold up`."""
        return [str(self.bin / "turnfold"), *super().command(*more)[len(TURNFOLD) :]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """What `turnfold up --demo` of the wheel runs, with a conversation that is open."""
    folder = tmp_path_factory.mktemp("wheel")
    made = Installed(folder)
    install(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(folder)
        patched.delenv("PYTHONPATH", raising=False)
        made.start("--demo")
        try:
            deadline = time.monotonic() + PATIENCE
            while all("conversationEndState" in one for one in listed(made)):
                assert time.monotonic() < deadline, "no open conversation of the demo is listed"
            yield made
        finally:
            assert made.stop(signal.SIGTERM) == 0


@pytest.mark.timeout(600)
def test_the_wheel_has_all_that_up_needs(stack: Installed) -> None:
    for package in ("schemas", "pipeline", "agents"):
        place = tell(str(stack.bin / "python"), "-c", f"import {package}; print({package}.__file__)")
        assert Path(place).is_relative_to(stack.bin.parent)
    assert all({"sessionId", "numberOfTurns"} <= one.keys() for one in listed(stack))
    assert sum(file.lstat().st_size for file in stack.bin.parent.rglob("*")) < LARGEST


@pytest.mark.timeout(600)
def test_the_console_has_its_templates_and_files(stack: Installed) -> None:
    connection = HTTPConnection("127.0.0.1", stack.api_port, timeout=PATIENCE)
    connection.request("GET", "/console/login")
    page = connection.getresponse().read().decode()
    files = set(re.findall(r'"(/console/static/[^"]+)"', page))
    assert {file.rpartition("/")[2] for file in files} == {"console.css", "console.js", "icon.svg"}
    for file in files:
        connection.request("GET", file)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (200, True)
    connection.close()


@pytest.mark.timeout(600)
def test_the_readmes_examples_run(stack: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```(python|sh)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert [language for language, _ in blocks] == ["python", "python", "sh", "python", "python", "python"]
    lines = (stack.data / "env").read_text().splitlines()
    for name, value in (shlex.split(line)[1].split("=", 1) for line in lines if line.startswith("export ")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    for language, block in blocks:
        code = block.replace("http://127.0.0.1:8080", stack.api)
        if language == "python":
            exec(code, known)  # noqa: S102 - our README's
        else:
            tell("sh", "-euc", code)
    assert known["page"].keys() >= {"sessions"}
    assert len(known["sessions"]) > 100, "more than a page"
    pages = [orjson.loads(file.read_bytes())["sessions"] for file in tmp_path.glob("page-*.json")]
    until = known["now"].replace(microsecond=0)  # the shell's window ends with a whole second, maybe that one
    assert sum(map(len, pages)) >= sum(one["conversationStartTime"] < until for one in known["sessions"])
    assert known["now_v2"]["sessionId"] == known["user"]
    assert known["now_v1"]["sessionId"], "it has a name of its own"


def install(folder: Path) -> None:
    """Build the wheel and install it with the versions that were tested; skip where this is not CI and offline."""
    tell(
        UV, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", str(folder), str(ROOT)
    )
    (wheel,) = folder.glob("turnfold-*.whl")
    locked = [line.split(" \\")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line]
    versions = folder / "versions.txt"
    versions.write_text("\n".join(without_extras(line) for line in locked))
    tell(UV, "venv", "--python", sys.executable, str(folder / "installed"))
    words = ["pip", "install", "--python", str(folder / "installed"), "--constraint", str(versions)]
    wanted = f"turnfold[embedded] @ {wheel.as_uri()}"
    ended = subprocess.run([UV, *words, wanted], capture_output=True, text=True, timeout=INSTALLED_WITHIN, check=False)
    if ended.returncode and not os.environ.get("CI"):
        pytest.skip(f"the wheel's dependencies cannot be installed here; in CI that is required: {ended.stderr}")
    assert ended.returncode == 0, ended.stderr


def without_extras(requirement: str) -> str:
    """The requirement as a constraint may be: `name[extra]==1` -> `name==1`."""
    name, _, rest = requirement.partition("==")
    return f"{name.partition('[')[0]}=={rest}"


def listed(stack: Installed) -> list[dict[str, object]]:
    """The demo's conversations of the last week, by the installed command, which finds its secrets by itself."""
    asked = [str(stack.bin / "turnfold"), "sessions", DEMO_BOT, "--last", "7d", "--format", "json"]
    environ = {**os.environ, "TURNFOLD_API": stack.api}
    sessions: list[dict[str, object]] = orjson.loads(tell(*asked, environ=environ))
    return sessions


def tell(*words: str, environ: dict[str, str] | None = None) -> str:
    """Run a command to a successful end; what it printed."""
    ended = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environ)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
