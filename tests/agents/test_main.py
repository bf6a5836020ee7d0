"""Faust's own command line finds the application by the name that the documents give it."""

import subprocess
import sys

from tests.paths import ROOT


def test_faust_lists_the_agents_of_the_application_that_the_environment_configures() -> None:
    command = [sys.executable, "-m", "faust", "-A", "agents.main", "--json", "agents"]
    environment = {"TURNFOLD_TOPIC_RAW": "some.raw", "TURNFOLD_KAFKA": "127.0.0.1:1"}
    listed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=True)
    for name in ("conversations", "intake", "some.raw"):
        assert name in listed.stdout
