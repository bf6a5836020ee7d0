"""A child tells how its process ended, and what it last wrote."""

import asyncio
import signal
import sys
from pathlib import Path

from agents.supervision.child import Child, Launch, Program


def nothing() -> Launch:
    async def probe() -> None:
        """It is ready at once."""

    return Launch([sys.executable, "-c", "pass"], {}, probe)


def test_the_report_of_an_exit_has_the_last_lines_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    log.write_bytes(b"".join(b"line %d \xff\n" % number for number in range(9)))

    async def report() -> str:
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "raise SystemExit(3)")
        await asyncio.wait_for(process.wait(), 60)
        child = Child(Program("one", nothing), log, process)
        child.signal(signal.SIGTERM)  # it has ended: nobody gets it
        return child.exit_report()

    first, *lines = asyncio.run(report()).splitlines()
    assert first.startswith("one ")
    assert "3" in first
    assert first.endswith(f"; {log} ends with:")
    assert [line.split()[:2] for line in lines] == [["line", str(number)] for number in range(4, 9)]


def test_a_child_without_a_process_takes_no_signal(tmp_path: Path) -> None:
    child = Child(Program("one", nothing), tmp_path / "one.log")
    child.signal(signal.SIGTERM)
    assert child.process is None
