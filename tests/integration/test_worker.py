"""A worker commits only what is written, waits for what is away, and can die at any moment."""

import random
import signal
import subprocess

import pytest

from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE
from tests.integration.tables import assert_tables
from tests.integration.traffic import share_of_lines

pytestmark = pytest.mark.search  # a share of the traffic in `make test`


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return share_of_lines(seed=11, conversations=120)


def test_nothing_is_committed_while_clickhouse_is_away_and_all_of_it_after(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
    parts.stop_clickhouse()
    worker = parts.start_worker()
    parts.send(traffic)
    parts.wait_until(lambda: parts.log.count("next try in") >= 3, "a third try")
    turns = [one for one in parts.lag_by_partition() if one.topic == parts.settings.topic_turns]
    assert sum(one.end for one in turns) > 0
    assert all(not one.committed for one in turns)
    assert worker.poll() is None
    parts.start_clickhouse()
    parts.wait_until_folded()
    assert_tables(parts, traffic)


def test_workers_killed_again_and_again_lose_and_double_nothing(parts: ComponentStack, traffic: list[bytes]) -> None:
    """The starts of conversations move all the time here, so a dead worker's rows would show as doubles."""
    chance = random.Random(3)  # noqa: S311 - no secret is made of it
    for first in range(0, len(traffic), len(traffic) // 3 + 1):
        worker = parts.start_worker(TURNFOLD_FLUSH_SECONDS="0.05", TURNFOLD_FLUSH_EVENTS="20")
        before = parts.rows("conversations")
        parts.send(traffic[first : first + len(traffic) // 3 + 1])
        parts.wait_until(lambda seen=before: parts.rows("conversations") > seen, "a first row")  # type: ignore[misc]
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(chance.random() / 3)
        worker.kill()
        worker.wait(PATIENCE)
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, traffic)


@IN_SEARCH
@ON_EMBEDDED
def test_a_worker_without_memory_answers_the_same(parts: ComponentStack, traffic: list[bytes]) -> None:
    """A cache is only a cache: here every batch is folded from what the archive holds."""
    parts.start_worker(TURNFOLD_CACHE_EVENTS="0", TURNFOLD_FLUSH_SECONDS="0.01", TURNFOLD_FLUSH_EVENTS="50")
    parts.send(traffic)
    parts.wait_until_folded()
    assert_tables(parts, traffic)


def test_faust_starts_the_worker_too(parts: ComponentStack, traffic: list[bytes]) -> None:
    worker = parts.start_faust()
    parts.send(traffic)
    parts.wait_until_folded()
    assert_tables(parts, traffic)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0


@IN_SEARCH
def test_a_worker_told_to_stop_commits_and_the_next_goes_on(parts: ComponentStack, traffic: list[bytes]) -> None:
    for part in (traffic[::2], traffic[1::2]):
        worker = parts.start_worker()
        parts.send(part)
        parts.wait_until_folded()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 0
        assert parts.lag() == 0
    assert_tables(parts, traffic)


@ON_EMBEDDED
def test_an_error_that_waiting_cannot_mend_ends_the_worker_and_loses_nothing(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
    parts.ask("RENAME TABLE turnfold.conversations TO turnfold.away")
    worker = parts.start_worker()
    parts.send(traffic)
    assert worker.wait(PATIENCE) == 1
    assert "cannot continue" in parts.log
    assert "conversations" in parts.log
    parts.ask("RENAME TABLE turnfold.away TO turnfold.conversations")
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, traffic)
