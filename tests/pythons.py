"""Run the unit tests and one whole way, from events to answers, on every supported Python that this machine has.

`make test` tests the Python of `.venv`; this tests the others, each in an environment of its own with the locked
packages. A Python is looked for on the PATH and among those of pyenv. One that is missing is named, and is no failure.

    python -m tests.pythons             # every version but that of .venv
    python -m tests.pythons 3.12 3.13   # these only
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
"""Supported versions; the classifiers in pyproject.toml name those that were tested."""
ENVIRONMENTS = ROOT / ".pythons"
UV = Path(sys.executable).with_name("uv")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
PACKAGES = ("fold", "ingest", "config", "runtime", "query")
UNITS = ("tests/schemas", *(f"tests/pipeline/{package}" for package in PACKAGES))
WHOLE_WAY = "tests/integration/test_whole_way.py"
SKIPPED = ("test_order_and_number_of_workers_do_not_matter", "test_what_was_ingested_outlives_a_restart_and_goes_on")
"""Tests of the whole way that start further stacks: they would take most of the time."""


def find_python(version: str) -> Path | None:
    """Return an interpreter of this version that can be run, or None."""
    return next((path for path in _candidates(version) if _runs(path, version)), None)


def _candidates(version: str) -> Iterator[Path]:
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    versions = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    yield from sorted(versions.glob(f"{version}.*/bin/python{version}"), reverse=True)


def _runs(python: Path, version: str) -> bool:
    """Return whether the interpreter starts: a shim of pyenv exists for versions that are not enabled, too."""
    code = "import sys; print('{}.{}'.format(*sys.version_info))"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return ran.returncode == 0 and ran.stdout.strip() == version


def install(python: Path, environment: Path) -> None:
    """Bring an environment of this Python up to date with the lock file, with Turnfold installed in place."""
    for arguments in (
        ["venv", "--quiet", "--allow-existing", "--python", str(python), str(environment)],
        ["pip", "sync", "--quiet", "--require-hashes", "--python", str(environment), "requirements.lock"],
        ["pip", "install", "--quiet", "--python", str(environment), "--no-deps", "--no-build-isolation", "-e", "."],
    ):
        subprocess.run([UV, *arguments], cwd=ROOT, check=True)


def run_tests(environment: Path) -> bool:
    """Run the tests in an environment; return whether all passed."""
    command = [str(environment / "bin/python"), "-m", "pytest", "--quiet", "-p", "no:cacheprovider"]
    command += ["--numprocesses", "2", "--dist", "loadfile", "-m", "not apache"]
    command += [f"--deselect={WHOLE_WAY}::{test}" for test in SKIPPED]
    return subprocess.run([*command, WHOLE_WAY, *UNITS], cwd=ROOT, check=False).returncode == 0


def main() -> None:
    """Test every version that was asked for, and exit with 1 if a test failed."""
    parser = argparse.ArgumentParser(description="Run unit tests and one whole way on every supported Python.")
    others = [version for version in VERSIONS if version != OWN]
    parser.add_argument("versions", nargs="*", default=others, help="such as 3.12 [all but that of .venv]")
    failed = []
    for version in parser.parse_args().versions:
        python = find_python(version)
        if python is None:
            print(f"Python {version}: not found on this machine, not tested", flush=True)  # noqa: T201 - it is a program
            continue
        started = time.monotonic()
        install(python, ENVIRONMENTS / version)
        passed = run_tests(ENVIRONMENTS / version)
        outcome = "passed" if passed else "FAILED"
        print(f"Python {version} ({python}): {outcome} after {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201 - as above
        failed += [] if passed else [version]
    if failed:
        sys.exit(f"tests fail on Python {', '.join(failed)}")


if __name__ == "__main__":
    main()
