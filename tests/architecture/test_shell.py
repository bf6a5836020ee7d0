"""Tests run with settings of their own, whatever a shell has set by `. data/env` or for AWS."""

import os
import subprocess
import sys

from tests.paths import ROOT

PREFIXES = ("TURNFOLD_", "AWS_")
OF_A_SHELL = {
    "TURNFOLD_CLICKHOUSE": "http://127.0.0.1:1",
    "TURNFOLD_API_TOKEN": "token",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_PROFILE": "work",
}


def test_no_setting_of_the_shell_is_left() -> None:
    assert not [name for name in os.environ if name.startswith(PREFIXES)]


def test_none_is_left_where_the_shell_has_some() -> None:
    test = f"{__file__}::{test_no_setting_of_the_shell_is_left.__name__}"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", test]
    ran = subprocess.run(command, cwd=ROOT, env=os.environ | OF_A_SHELL, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
