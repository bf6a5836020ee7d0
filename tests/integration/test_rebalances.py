"""Workers that come and go at any moment end nobody else, and stop when they are told to."""

import random
import signal
import time

import pytest

from tests.effort import IN_SEARCH
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE
from tests.integration.tables import assert_tables
from tests.integration.traffic import share_of_lines

pytestmark = pytest.mark.search  # a share of the traffic in `make test`

SMALL = {"TURNFOLD_FLUSH_SECONDS": "0.05", "TURNFOLD_FLUSH_EVENTS": "20"}
"""Many small flushes, so that rebalances find something to interrupt."""
READY = "reading "
STARTED = "metrics and probes on"
GUESTS = 4


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return share_of_lines(seed=31, conversations=120)


@IN_SEARCH
def test_workers_that_join_and_leave_at_any_moment_end_no_other(parts: ComponentStack, traffic: list[bytes]) -> None:
    chance = random.Random(6)  # noqa: S311 - no secret is made of it
    stay = [parts.start_worker(**SMALL), parts.start_worker(**SMALL)]
    parts.wait_until(lambda: READY in parts.log, "a worker with partitions")
    for number in range(GUESTS):
        guest = parts.start_worker(**SMALL)
        parts.send(traffic[number::GUESTS])
        parts.wait_until(lambda: parts.log.count(STARTED) == len(parts.workers), "the start of a guest")
        time.sleep(chance.uniform(0, 3))  # any moment of a rebalance, or after it
        guest.send_signal(signal.SIGTERM)
        assert guest.wait(PATIENCE) == 0
        assert [worker.poll() for worker in stay] == [None, None], parts.log[-3000:]
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    for worker in stay:
        worker.send_signal(signal.SIGTERM)
    assert [worker.wait(PATIENCE) for worker in stay] == [0, 0]
    assert "not stopped within" not in parts.log
