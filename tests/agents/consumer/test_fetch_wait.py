"""Fetches wait the longer the longer there were no records, within limits, and longer at a busy broker."""

import pytest

from agents.consumer.fetch_wait import MAX_WAIT, FetchWait

SHORTEST, LONGEST = 0.02, 0.1


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wait(clock: Clock) -> FetchWait:
    return FetchWait(SHORTEST, LONGEST, clock)


def test_before_the_first_records_a_fetch_waits_longest(wait: FetchWait) -> None:
    assert wait.seconds() == LONGEST


def test_while_records_come_fetches_wait_shortest_and_then_longer_up_to_the_limit(
    wait: FetchWait, clock: Clock
) -> None:
    wait.answered(LONGEST, records=True, timed_out=False)
    found = []
    for _ in range(60):
        found.append(wait.seconds())
        clock.now += 0.05
        wait.answered(found[-1], records=False, timed_out=False)
    assert found[0] == SHORTEST
    assert found[-1] == LONGEST
    assert found == sorted(found)
    assert any(SHORTEST < one < LONGEST for one in found)
    wait.answered(LONGEST, records=True, timed_out=False)
    assert wait.seconds() == SHORTEST


def test_a_broker_that_lacks_time_gets_twice_as_much_each_time_until_it_answers(wait: FetchWait) -> None:
    wait.answered(LONGEST, records=True, timed_out=False)
    found = []
    for _ in range(10):
        found.append(wait.seconds())
        wait.answered(found[-1], records=False, timed_out=True)
    assert found[:3] == [SHORTEST, 2 * SHORTEST, 4 * SHORTEST]
    assert wait.seconds() == MAX_WAIT
    wait.answered(MAX_WAIT, records=True, timed_out=False)
    assert wait.seconds() == SHORTEST


def test_where_both_limits_are_the_same_every_fetch_waits_so_long(clock: Clock) -> None:
    wait = FetchWait(LONGEST, LONGEST, clock)
    wait.answered(LONGEST, records=True, timed_out=False)
    assert wait.seconds() == LONGEST
