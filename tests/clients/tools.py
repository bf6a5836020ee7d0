"""Run the programs in `tests/clients/CLIENT`: short clients in other languages."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALLED_WITHIN = 300.0
RUN_WITHIN = 120.0


def require(*commands: str) -> None:
    """Skip the test if one of the commands is missing, or fail it in CI, where all are required."""
    if missing := [command for command in commands if shutil.which(command) is None]:
        message = f"this client needs {' and '.join(missing)}, which this machine lacks"
        if os.environ.get("CI"):
            pytest.fail(f"{message}; in CI it is required")
        pytest.skip(message)


def with_packages(client: str) -> Path:
    """Return the client's folder, with the npm packages of its package.json installed."""
    require("node", "npm")
    folder = HERE / client
    wanted = (folder / "package.json").read_bytes()
    with (folder / "package.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in several processes
        installed = folder / "node_modules" / "installed.json"
        if not installed.exists() or installed.read_bytes() != wanted:
            command = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
            run(command, folder, INSTALLED_WITHIN)
            installed.write_bytes(wanted)
    return folder


def run(command: list[str], folder: Path, timeout: float = RUN_WITHIN) -> str:
    """Run a command in `folder`, check that it succeeds, and return its output."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
    return done.stdout
