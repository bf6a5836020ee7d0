"""The clock is the wall clock."""

import time

from pipeline.runtime.clock import now_ms


def test_the_clock_counts_milliseconds_of_the_wall_clock() -> None:
    before = int(time.time() * 1_000)
    assert before - 1 <= now_ms() <= before + 10_000
