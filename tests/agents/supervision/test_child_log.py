"""A child's log survives its restart, and is limited in size."""

import subprocess
import sys
from pathlib import Path

from agents.supervision.child_log import KEPT, append_log, rotate


def test_a_restart_keeps_what_was_said_before_it(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    for word in ("first", "second"):
        with append_log(log) as out:
            subprocess.run([sys.executable, "-c", f"print({word!r})"], stdout=out, check=True)
    assert log.read_text() == "first\nsecond\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_long_log_is_set_aside_while_it_is_written_to(tmp_path: Path) -> None:
    log = tmp_path / "child.log"
    with append_log(log) as out:
        for number in range(KEPT + 3):
            out.write(b"%d" % number * 10)
            rotate(log, limit=5)
        out.write(b"last")
        rotate(log, limit=5)
    assert log.read_bytes() == b"last"
    aside = {path.suffix: path.read_bytes()[:1] for path in tmp_path.glob("child.log.*")}
    assert aside == {".1": b"5", ".2": b"4", ".3": b"3"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
