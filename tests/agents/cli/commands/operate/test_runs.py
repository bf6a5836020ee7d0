"""`turnfold runs` lists runs whatever the names of their files, and says if there are none."""

import json
import os
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold
from tests.events import raw


def test_that_there_are_none_is_said(with_tables: Settings) -> None:
    assert turnfold(with_tables, "runs") == (0, "", "no replays, rebuilds, backfills or pulls yet\n")
    assert turnfold(with_tables, "runs", "--json") == (0, "[]\n", "")


@pytest.mark.parametrize("name", [b"caf\xe9\x1b[31m.jsonl", b"bytes:a.jsonl", "Grüße\u202e.jsonl".encode()])
def test_files_of_any_name_are_brought_in(with_tables: Settings, tmp_path: Path, name: bytes) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/" + name)
    Path(path).write_bytes(raw() + b"\n{cut")
    for given, resumed in ((path, False), (str(tmp_path), True)):
        plan = turnfold(with_tables, "backfill", "--direct", "--dry-run", given)
        assert (plan.status, "Traceback" in plan.err, "\x1b" in plan.out) == (0, False, False)
        done = turnfold(with_tables, "backfill", "--direct", "--json", given)
        assert (done.status, "\x1b" in done.out + done.err) == (0, False)
        counts = json.loads(done.out)["counts"]
        assert (counts["valid"], counts["dead"]) == (1, 1), resumed
    told = json.loads(turnfold(with_tables, "runs", "--json").out)
    assert len(told) == 2
    assert "\x1b" not in turnfold(with_tables, "runs").out


def test_a_missing_file_of_any_name_is_told(with_tables: Settings) -> None:
    missing = turnfold(with_tables, "backfill", "--direct", os.fsdecode(b"/no\xe9\x1b.jsonl"))
    assert missing.status == 2
    assert missing.err.endswith("turnfold: bytes:/no%E9%1B.jsonl cannot be read: No such file or directory\n")
    wrong = turnfold(with_tables, "sessions", "--last", "\x1b[2J", "BOT")
    assert "\x1b" not in wrong.err
    wrong = turnfold(with_tables, "sessions", "\x1b[2J", "--no-such\x1b")
    assert (wrong.status, "\x1b" in wrong.err) == (2, False)
