"""Whatever happens on the way, the tables come to what the events say: 0 lost, 0 double, 0 wrong."""

import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.integration.component_stack import ComponentStack, component_stack
from tests.integration.proxy import OUT_OF_MEMORY, READ_ONLY, TOO_MANY_PARTS, Proxy, proxy
from tests.integration.stack import PATIENCE
from tests.integration.tables import assert_tables
from tests.integration.traffic import share_of_lines

pytestmark = pytest.mark.search  # a share of the traffic in `make test`

READY = "reading "
"""What a worker logs once it has partitions."""

STARTED = "metrics and probes on"
"""What a worker logs once it can be told to stop."""

SMALL = {"TURNFOLD_FLUSH_SECONDS": "0.05", "TURNFOLD_FLUSH_EVENTS": "20"}
"""Many small flushes, so that faults find something to interrupt."""


@pytest.fixture
def faults(parts: ComponentStack) -> Iterator[Proxy]:
    """A proxy between workers and ClickHouse."""
    with proxy(parts.settings.clickhouse) as made:
        yield made


@pytest.fixture
def small_disk(tmp_path: Path, kafka_settings: Settings) -> Iterator[ComponentStack]:
    """ClickHouse keeps its data on a disk of its own, which a test can fill."""
    disk = tmp_path / "clickhouse"
    disk.mkdir()
    if os.geteuid() and not os.environ.get("CI"):
        pytest.skip("only root may mount a small disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "turnfold-test", disk], check=True)  # noqa: S607 - of the system
    try:
        with component_stack(tmp_path, kafka_settings) as made:
            yield made
    finally:
        subprocess.run(["umount", disk], check=True)  # noqa: S607 - as above


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return share_of_lines(seed=12, conversations=120)


def test_a_frozen_worker_that_wakes_after_its_partitions_are_gone_does_no_harm(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
    """The zombie: it still has a batch in hand, folded from what was known before it froze."""
    zombie = parts.start_worker(**SMALL)
    parts.wait_until(lambda: READY in parts.log, "a worker with partitions")
    parts.send(traffic[: len(traffic) // 2])
    parts.wait_until(lambda: parts.rows("conversations") > 0, "a first row")
    zombie.send_signal(signal.SIGSTOP)
    parts.start_worker(**SMALL)
    parts.send(traffic[len(traffic) // 2 :])
    parts.wait_until_folded()
    zombie.send_signal(signal.SIGCONT)
    parts.send(traffic[::3])
    parts.wait_until(lambda: parts.log.count(READY) >= 3, "the zombie's return to the group")
    parts.wait_until_folded()
    assert_tables(parts, traffic)


@IN_SEARCH
def test_workers_that_join_and_leave_all_the_time_change_nothing(parts: ComponentStack, traffic: list[bytes]) -> None:
    chance = random.Random(4)  # noqa: S311 - no secret is made of it
    parts.start_worker(**SMALL)
    parts.wait_until(lambda: READY in parts.log, "a worker with partitions")
    for part in range(3):
        parts.start_worker(**SMALL)
        parts.send(traffic[part::3])
        parts.wait_until(lambda: parts.log.count(STARTED) == len(parts.workers), "the start of another worker")
        parts.wait_until(lambda: parts.rows("turns") > 0, "first events")
        leaving = chance.choice([worker for worker in parts.workers if worker.poll() is None])
        leaving.send_signal(signal.SIGTERM)
        assert leaving.wait(PATIENCE) == 0
    parts.wait_until_folded()
    assert_tables(parts, traffic)


@ON_EMBEDDED
def test_clickhouse_that_answers_errors_for_a_while_is_waited_for(
    parts: ComponentStack, faults: Proxy, traffic: list[bytes]
) -> None:
    worker = parts.start_worker(**SMALL, TURNFOLD_CLICKHOUSE=faults.url)
    parts.send(traffic[::4])
    parts.wait_until(lambda: parts.rows("conversations") > 0, "a first row")
    for number, error in enumerate((OUT_OF_MEMORY, TOO_MANY_PARTS, READ_ONLY), start=1):
        third = faults.faults.errors + 3
        faults.faults.error = error
        parts.send(traffic[number::4])
        parts.wait_until(lambda third=third: faults.faults.errors >= third, "a third error")  # type: ignore[misc] # it is bound at once
        parts.wait_for_log(str(error[0]))
        assert worker.poll() is None
        faults.faults.error = None
        parts.wait_until_folded()
    assert_tables(parts, traffic)


@IN_SEARCH
@ON_EMBEDDED
def test_connections_cut_in_the_middle_of_inserts_change_nothing(
    parts: ComponentStack, faults: Proxy, traffic: list[bytes]
) -> None:
    """An insert may have happened although its answer never came, or in part: it is made again."""
    parts.start_worker(TURNFOLD_CLICKHOUSE=faults.url)
    parts.wait_until(lambda: READY in parts.log, "a worker with partitions")
    faults.faults.cut_after = 20_000
    parts.send(traffic)
    parts.wait_until(lambda: faults.faults.cuts >= 3, "a third cut")
    faults.faults.cut_after = None
    parts.wait_until_folded()
    assert_tables(parts, traffic)


@IN_SEARCH
@ON_EMBEDDED
def test_slow_answers_only_take_longer(parts: ComponentStack, faults: Proxy, traffic: list[bytes]) -> None:
    """A worker that waits for ClickHouse keeps its partitions: nothing is read twice because of it."""
    faults.faults.delay = 0.05
    parts.start_worker(TURNFOLD_CLICKHOUSE=faults.url)
    parts.send(traffic)
    parts.wait_until_folded()
    assert parts.log.count(READY) == 1
    assert_tables(parts, traffic)


@ON_EMBEDDED
def test_sigterm_in_the_middle_ends_with_status_0_whatever_the_worker_does(
    parts: ComponentStack, faults: Proxy, traffic: list[bytes]
) -> None:
    """Also while it waits for a ClickHouse that does not come back: what it had in hand is read again later."""
    worker = parts.start_worker(**SMALL, TURNFOLD_CLICKHOUSE=faults.url, TURNFOLD_STOP_SECONDS="2")
    parts.send(traffic)
    parts.wait_until(lambda: parts.rows("conversations") > 0, "a first row")
    faults.faults.error = OUT_OF_MEMORY
    parts.wait_until(lambda: faults.faults.errors >= 1, "an error")
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, traffic)


@IN_SEARCH
@ON_EMBEDDED
def test_clickhouse_killed_in_the_middle_comes_back_with_what_it_confirmed(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
    parts.start_worker(**SMALL)
    parts.send(traffic[: len(traffic) // 2])
    parts.wait_until(lambda: parts.rows("conversations") > 0, "a first row")
    parts.stop_clickhouse(signal.SIGKILL)
    parts.send(traffic[len(traffic) // 2 :])
    with pytest.raises(subprocess.TimeoutExpired):
        parts.workers[0].wait(1)
    parts.start_clickhouse()
    parts.wait_until_folded()
    assert_tables(parts, traffic)


@IN_SEARCH
@ON_EMBEDDED
def test_a_full_disk_is_waited_for_until_there_is_room(small_disk: ComponentStack, traffic: list[bytes]) -> None:
    worker = small_disk.start_worker(**SMALL)
    small_disk.send(traffic[: len(traffic) // 2])
    small_disk.wait_until(lambda: small_disk.rows("conversations") > 0, "a first row")
    ballast = small_disk.folder / "clickhouse" / "ballast"
    with pytest.raises(OSError, match="No space left"):
        fill(ballast)
    small_disk.send(traffic[len(traffic) // 2 :])
    small_disk.wait_until(lambda: small_disk.log.count("next try in") >= 3, "a third try")
    assert worker.poll() is None
    assert "nothing is inserted below 16 MB: workers wait" in small_disk.run("status", statuses=[1])
    ballast.unlink()
    small_disk.wait_until_folded()
    assert_tables(small_disk, traffic)
    assert "inserted" not in small_disk.run("status")


def fill(ballast: Path) -> None:
    """Take all the room there is."""
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
