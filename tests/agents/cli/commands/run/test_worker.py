"""`turnfold worker` folds events until it is stopped by a signal."""

import signal
import time

from pipeline.config.settings import Settings
from tests.agents.cli.command import WITHIN, prepare, start, turnfold
from tests.events import raw
from tests.services import ask


def test_it_folds_what_was_sent_until_a_signal_comes_and_then_ends_well(stack: Settings) -> None:
    prepare(stack)
    turnfold(
        stack, "ingest", "--wait=0", "-", stdin=b"\n".join(raw(requestId=f"request-{number}") for number in range(5))
    )
    with start(stack, "worker") as process:
        try:
            deadline = time.monotonic() + WITHIN
            while turns(stack) != "5":
                assert time.monotonic() < deadline
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=WITHIN)
        finally:
            process.kill()
    assert process.returncode == 0


def turns(stack: Settings) -> str:
    """Turns of the only conversation."""
    query = "SELECT turns FROM conversations FINAL"
    return ask(stack.clickhouse, query, database=stack.clickhouse_database).text.strip()
