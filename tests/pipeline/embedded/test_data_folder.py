"""A data folder is used by one process at a time, and an error says why it cannot be used."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.embedded.data_folder import open_folder
from pipeline.runtime.errors import UsageError

HOLD = "import sys, chdb.state.sqlitelike as s; c = s.Connection(sys.argv[1]); print(flush=True); input()"


def test_a_folder_is_made_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    opened = open_folder(tmp_path / "a" / "b")
    opened.keeper.close()
    assert (tmp_path / "a" / "b").stat().st_mode & 0o077 == 0
    assert opened.incoming.parent == tmp_path / "a" / "b"


def test_what_a_killed_process_left_on_its_way_in_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "incoming" / "half"
    left.parent.mkdir()
    left.touch()
    open_folder(tmp_path).keeper.close()
    assert not left.exists()


def test_the_engine_may_not_take_the_whole_machine(tmp_path: Path) -> None:
    opened = open_folder(tmp_path)
    sql = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage_to_ram_ratio'"
    try:
        assert opened.keeper.query(sql, "TSV").bytes() == b"0.5\n"
    finally:
        opened.keeper.close()


def test_a_folder_that_another_process_has_open_is_refused_in_one_sentence(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(UsageError, match="is in use by another process: stop it, or use another --path"):
            open_folder(tmp_path)
        holder.communicate(b"\n", timeout=60)
    open_folder(tmp_path).keeper.close()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "why?", tmp_path / "why{a,b}"):
        with pytest.raises(UsageError, match=r"file|why"):
            open_folder(wrong)


def test_without_the_extra_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "chdb.state.sqlitelike", None)
    with pytest.raises(UsageError, match=r"needs the extra: pip install 'turnfold\[embedded\]'"):
        open_folder(tmp_path)


def test_tables_that_were_in_default_before_are_there_still(tmp_path: Path) -> None:
    chdb = pytest.importorskip("chdb.state.sqlitelike")
    before = chdb.Connection(str(tmp_path))
    before.query("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    before.query("INSERT INTO t VALUES (7)")
    before.close()
    for _ in range(2):
        keeper = open_folder(tmp_path).keeper
        assert keeper.query("SELECT a FROM default.t").bytes() == b"7\n"
        keeper.close()
