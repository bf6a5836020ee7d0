"""Only one `turnfold up` uses a data folder, whenever others begin and end."""

import fcntl
import os
from pathlib import Path

import pytest

from agents.embedded.data_folder import lock_data_folder
from pipeline.runtime.errors import UsageError


def test_a_second_one_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    with (
        lock_data_folder(tmp_path),
        pytest.raises(UsageError, match=rf"used by another `turnfold up` \(process {os.getpid()}\)"),
    ):
        lock_data_folder(tmp_path).__enter__()
    with lock_data_folder(tmp_path):
        pass


def test_who_opened_the_lock_before_the_last_one_left_holds_it_against_the_next(tmp_path: Path) -> None:
    """Were the file removed at the end, this one would hold the removed file, and the next one a new file."""
    with lock_data_folder(tmp_path):
        opened = (tmp_path / "up.lock").open("a+")
    with opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(UsageError, match="used by another `turnfold up`"):
            lock_data_folder(tmp_path).__enter__()


def test_what_an_earlier_version_left_open_is_closed_and_nothing_else_is_touched(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "clickhouse" / "store" / "part", tmp_path / "theirs"
    ours.parent.mkdir(parents=True)
    for file in (ours, theirs):
        file.touch()
        file.chmod(0o644)
    (ours.parent / "link").symlink_to(theirs)
    ours.parent.chmod(0o755)
    tmp_path.chmod(0o755)
    with lock_data_folder(tmp_path):
        modes = {path: path.stat().st_mode & 0o777 for path in (tmp_path, ours.parent, ours, theirs)}
    assert modes == {tmp_path: 0o700, ours.parent: 0o700, ours: 0o600, theirs: 0o644}
