"""The clocks are those of the machine."""

import time

import pytest

from pipeline.runtime.clock import now_ms, seconds_with_sleep


def test_the_clock_counts_milliseconds_of_the_wall_clock() -> None:
    before = int(time.time() * 1_000)
    assert before - 1 <= now_ms() <= before + 10_000


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="elsewhere the monotonic clock goes on during a sleep")
def test_seconds_with_sleep_are_those_since_the_machine_was_booted() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= seconds_with_sleep() <= time.clock_gettime(time.CLOCK_BOOTTIME)
