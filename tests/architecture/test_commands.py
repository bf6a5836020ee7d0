"""The commands that contributors use agree with one another."""

import re
import subprocess
import tomllib

import yaml  # type: ignore[import-untyped] # it carries no types

from tests import pythons
from tests.paths import ROOT

MAKEFILE = (ROOT / "Makefile").read_text()


def test_pre_commit_runs_exactly_what_make_check_runs() -> None:
    (checks,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert [hook["entry"] for hook in hooks] == checks.replace("$(BIN)", ".venv/bin").replace("\t", "").splitlines()
    assert all(hook["language"] == "system" and not hook["pass_filenames"] for hook in hooks)


def test_make_help_has_a_sentence_for_every_target() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S607 - as users call it
    assert re.findall(r"^make ([a-z-]+) +[A-Z]", shown, re.MULTILINE) == phony.split()


def test_the_classifiers_name_the_supported_pythons() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [name.rpartition(" ")[2] for name in project["classifiers"] if "Python :: 3." in name]
    assert set(named) <= set(pythons.VERSIONS)
    assert project["requires-python"] == f">={named[0]}"


def test_a_python_is_found_by_its_version_and_only_if_it_runs() -> None:
    assert pythons.find_python(pythons.OWN) is not None
    assert pythons.find_python("3.0") is None
