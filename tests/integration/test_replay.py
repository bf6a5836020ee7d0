"""Reading events again mends what is lost and changes nothing else: while workers work, and whoever is killed."""

import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH, examples
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE, BaseStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines, share_of_lines

pytestmark = pytest.mark.search  # a share of the traffic in `make test`

SLOWLY = f"--limit={examples(400)}"
"""So that there is something to interrupt."""
READ = "SELECT max(JSONExtractUInt(state, 'counts', 'read')) FROM turnfold.runs"
"""What a work unit has read of the topic, according to its saved state."""


@pytest.fixture(scope="module")
def talk() -> list[bytes]:
    return share_of_lines(seed=17, conversations=160)


def folded(parts: ComponentStack, talk: list[bytes]) -> None:
    """Sent, and folded by a worker that goes on."""
    parts.start_worker()
    parts.send(talk)
    parts.wait_until_folded()


@IN_SEARCH
@pytest.mark.parametrize("processes", [pytest.param(1, marks=IN_SEARCH), 2])
def test_what_the_tables_lost_is_read_again_from_the_topic(
    parts: ComponentStack, talk: list[bytes], processes: int
) -> None:
    folded(parts, talk)
    for table in ("turns", "conversations"):
        parts.ask(f"TRUNCATE TABLE turnfold.{table}")
    report = parts.report("replay", f"--processes={processes}")
    assert_tables(parts, talk)
    assert report["counts"]["read"] == report["counts"]["valid"] > len(talk) * 0.8
    assert 0 < report["counts"]["changed"] <= report["counts"]["touched"]  # a part that two have read counts once
    again = parts.report("replay")
    assert (again["counts"]["changed"], again["resumed"]) == (0, False)
    assert_tables(parts, talk)


@IN_SEARCH
def test_any_window_any_number_of_times_interrupted_among_live_workers_changes_nothing(
    parts: ComponentStack, talk: list[bytes]
) -> None:
    chance = random.Random(5)  # noqa: S311 - no secret is made of it
    folded(parts, talk[: len(talk) // 2])
    begin = datetime.now(UTC).isoformat()
    rest = talk[len(talk) // 2 :]
    for number in range(3):
        parts.send(rest[number::3])
        replay = parts.start("replay", SLOWLY, *(["--from", begin] if number != 1 else []))
        time.sleep(chance.uniform(0.5, 2))  # a moment in the middle of it, whichever
        parts.workers[0].kill()
        replay.send_signal(chance.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
        replay.wait(PATIENCE)
        parts.workers[0].wait(PATIENCE)
        parts.workers = [parts.start_worker()]
        parts.run("replay", *(["--from", begin] if number != 1 else []))
    parts.wait_until_folded()
    assert_tables(parts, talk)
    assert parts.run("audit", "--pause=0.5") == ""


def test_a_replay_that_was_killed_goes_on_from_where_it_was(parts: ComponentStack, talk: list[bytes]) -> None:
    folded(parts, talk)
    replay = parts.start("replay", SLOWLY)
    parts.wait_until(lambda: int(parts.ask(READ)) > 0, "a batch that is saved")
    replay.kill()
    replay.wait(PATIENCE)
    left = parts.report("replay", "--dry-run")
    done = sum(unit["counts"]["read"] for unit in left["units"])
    assert left["resumed"]
    assert 0 < done < sum(unit["source"]["total"] for unit in left["units"])
    report = parts.report("replay")
    assert report["resumed"]
    assert report["counts"]["read"] == sum(unit["source"]["total"] for unit in left["units"])
    assert_tables(parts, talk)


@IN_SEARCH
@ON_EMBEDDED
def test_the_limit_is_kept(parts: ComponentStack, talk: list[bytes]) -> None:
    folded(parts, talk)
    limit = examples(300)
    report = parts.report("replay", f"--limit={limit}")
    assert (
        report["counts"]["read"] / report["seconds"] < 2 * limit
    )  # the last batch of each partition is not waited for


@contextmanager
def answered_meanwhile(parts: ComponentStack) -> Iterator[list[int]]:
    """How many conversations a query finds, again and again while the block runs."""
    found: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        statement = "SELECT uniqExact(session_id, originating_request_id) FROM turnfold.conversations FINAL"
        while not stop.is_set():
            found.append(int(parts.ask(statement)))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield found
    finally:
        stop.set()
        asking.join()


@ON_EMBEDDED
@pytest.mark.parametrize("command", [pytest.param("replay", marks=IN_SEARCH), "rebuild"])
def test_new_tables_take_the_place_of_the_live_ones_and_no_query_misses_anything(
    parts: ComponentStack, talk: list[bytes], command: str
) -> None:
    half = len(talk) // 2
    folded(parts, talk[:half])
    with answered_meanwhile(parts) as found:
        run = parts.start(command, "--into=new", "--swap", f"--limit={examples(1000)}")
        for first in range(half, len(talk), 4):
            parts.send(talk[first : first + 4])
            if run.poll() is not None:
                break
        parts.send(talk[half:])
        assert run.wait(PATIENCE) == 0, parts.log[-3000:]
        parts.wait_until_folded()
    assert found == sorted(found), "a conversation was missing for a moment"
    assert_tables(parts, talk)
    assert "turnfold_old" in parts.ask("SHOW DATABASES").decode()
    parts.run("runs", "drop", "old")


@IN_SEARCH
@ON_EMBEDDED
def test_a_swap_that_was_killed_is_finished_by_the_same_command(parts: ComponentStack, talk: list[bytes]) -> None:
    folded(parts, talk)
    command = ("rebuild", "--into=new", "--swap", f"--limit={examples(1500)}")
    for seconds in (1.0, 1.7, 2.4, 3.1):
        run = parts.start(*command)
        time.sleep(seconds)  # in the filling, in the comparison, between the tables, or after the end
        run.kill()
        run.wait(PATIENCE)
        if "turnfold_old" in parts.ask("SHOW DATABASES").decode():
            break
    parts.run(*command, statuses=(0, 2))
    parts.wait_until_folded()
    assert_tables(parts, talk)


@IN_SEARCH
@ON_EMBEDDED
def test_another_rule_gives_exactly_what_a_fresh_system_with_it_would(parts: ComponentStack, talk: list[bytes]) -> None:
    folded(parts, talk)
    rule = {"TURNFOLD_FALLBACK_INTENTS": "BookCar"}
    refused = parts.run("rebuild", "--into=new", "--swap", statuses=(2,), **rule)
    assert "with other rules are running" in refused
    parts.workers[0].terminate()
    parts.workers[0].wait(PATIENCE)
    report = parts.report("rebuild", "--into=new", "--swap", **rule)
    assert report["swapped"]
    assert set(report["comparison"]["columns"]) == {"end_state", "visit_states"}
    fresh = rule | {"TURNFOLD_CLICKHOUSE_DATABASE": "fresh", "TURNFOLD_KAFKA_GROUP": f"{parts.settings.kafka_group}-2"}
    parts.run("migrate", statuses=(0,), **fresh)
    worker = parts.start_worker(**fresh)
    events = parts.rows("turns")
    parts.wait_until(lambda: int(parts.ask("SELECT count() FROM fresh.turns FINAL")) >= events, "the fresh system")
    worker.terminate()
    assert worker.wait(PATIENCE) == 0
    same = "SELECT * FROM {}.conversations FINAL ORDER BY bot_id, session_id, originating_request_id"
    assert parts.ask(same.format("turnfold")) == parts.ask(same.format("fresh"))


@IN_SEARCH
@ON_EMBEDDED
def test_tables_that_would_lack_events_are_not_swapped_in(parts: ComponentStack, talk: list[bytes]) -> None:
    folded(parts, talk)
    half = datetime.now(UTC).isoformat()
    parts.send(lines(seed=18, conversations=20))
    parts.wait_until_folded()
    refused = parts.run("replay", "--into=new", "--swap", "--from", half, statuses=(2,))
    assert "events of the live archive are not in the shadow tables" in refused
    assert "turnfold rebuild --into new" in refused


@ON_EMBEDDED
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["replay", "--from=2026-02-01", "--to=2026-01-01"], "is not before --to"),
        (["rebuild", "--from=yesterday"], "is not a time; expected"),
        (["replay", "--topic=nowhere"], "there is no topic nowhere"),
        (["backfill", "/does/not/exist"], "/does/not/exist"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_touched(
    parts: ComponentStack, arguments: list[str], sentence: str
) -> None:
    assert sentence in parts.run(*arguments, statuses=(2,))
    assert parts.rows("runs") == 0


def test_a_page_token_from_before_the_swap_still_works(stack: BaseStack) -> None:
    client = stack.client()
    window = {"startDateTime": datetime(2026, 1, 1, tzinfo=UTC), "endDateTime": datetime(2027, 1, 1, tzinfo=UTC)}
    ask = {"botId": "WHOLEWAY01", "maxResults": 7, **window}
    first = client.list_session_analytics_data(**ask)
    second = client.list_session_analytics_data(**ask, nextToken=first["nextToken"])
    swapped = stack.turnfold("rebuild", "--into=new", "--swap")
    assert swapped.returncode == 0, swapped.stderr
    assert client.list_session_analytics_data(**ask, nextToken=first["nextToken"])["sessions"] == second["sessions"]
    assert stack.turnfold("runs", "drop", "old").returncode == 0
