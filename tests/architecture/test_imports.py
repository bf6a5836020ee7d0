"""The import contracts hold, and the linter detects each violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGES = ("schemas", "pipeline", "agents")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def test_the_import_law_holds() -> None:
    linted = lint(ROOT)
    assert linted.returncode == 0, linted.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("schemas/turn.py", "import pipeline.runtime.errors", "imports go one way"),
        ("pipeline/runtime/retry.py", "import agents.batcher", "imports go one way"),
        ("pipeline/fold/batch.py", "import pipeline.store.archive", "stages of the pipeline"),
        ("pipeline/runtime/retry.py", "import faust", "Faust stays in the agents"),
        (
            "pipeline/query/analytics/time_range.py",
            "import clickhouse_connect",
            "clickhouse_connect stays in the store",
        ),
        ("pipeline/store/archive.py", "import chdb", "chdb stays in the embedded stack"),
        ("agents/worker.py", "import starlette", "the web framework stays"),
    ],
)
def test_each_contract_can_be_broken(tmp_path: Path, module: str, line: str, contract: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    linted = lint(tmp_path)
    assert linted.returncode == 1
    broken = [line for line in linted.stdout.splitlines() if line.endswith("BROKEN")]
    assert any(contract in name for name in broken), broken


def test_packages_have_no_code_in_their_init() -> None:
    """Import cycles arise from an `__init__` that imports."""
    for package in PACKAGES:
        for module in (ROOT / package).rglob("__init__.py"):
            assert module.read_text().count('"""') == 2, module
            assert "import " not in module.read_text().split('"""')[2], module
