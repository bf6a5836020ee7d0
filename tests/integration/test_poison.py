"""A flood of broken events stops a worker before it drains the topic, and loses nothing for whoever comes after."""

from pathlib import Path

import orjson
import pytest

from pipeline.kafka.dead_letters.reader import count_dead_letters, read_dead_letters
from pipeline.kafka.producer.produce import Producer
from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.events import raw
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE, Stack
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines

SMALL_WINDOW = {"TURNFOLD_DEAD_LETTER_WINDOW": "1000"}
FLOOD = [b'{"level":"INFO","n":%d}' % number for number in range(3_000)]


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return lines(seed=21, conversations=60)


@IN_SEARCH
@ON_EMBEDDED
def test_a_flood_stops_every_worker_until_it_is_let_pass(parts: ComponentStack, traffic: list[bytes]) -> None:
    parts.start_worker()
    parts.send(traffic)
    parts.wait_until_folded()
    before = count_dead_letters(parts.settings).total
    parts.workers[0].terminate()
    parts.workers[0].wait(PATIENCE)
    parts.send(FLOOD)
    for _ in range(2):
        worker = parts.start_worker(**SMALL_WINDOW)
        assert worker.wait(PATIENCE) == 1
    for words in (
        "inputs are not log entries",
        parts.settings.topic_raw,
        "wrong-shape",
        "TURNFOLD_DEAD_LETTER_SHARE=1",
    ):
        assert words in parts.log
    assert count_dead_letters(parts.settings).total - before <= 500, "the topic was not drained"
    parts.start_worker(**SMALL_WINDOW, TURNFOLD_DEAD_LETTER_SHARE="1")
    parts.wait_until_folded()
    letters = [letter.value for letter in read_dead_letters(parts.settings) if letter.value in set(FLOOD)]
    assert set(letters) == set(FLOOD)
    assert_tables(parts, traffic)


@ON_EMBEDDED
def test_a_flood_on_the_turns_topic_stops_it_too(parts: ComponentStack) -> None:
    with Producer(parts.settings, on_failure=print) as producer:
        for line in FLOOD:
            producer.send(parts.settings.topic_turns, b"session", line)
        producer.flush()
    assert parts.start_worker(**SMALL_WINDOW).wait(PATIENCE) == 1
    assert f"topic {parts.settings.topic_turns} partition" in parts.log
    assert count_dead_letters(parts.settings).total <= 500


@ON_EMBEDDED
def test_few_events_may_all_be_broken(parts: ComponentStack) -> None:
    worker = parts.start_worker(**SMALL_WINDOW)
    parts.send(FLOOD[:400])
    parts.wait_until_folded()
    assert count_dead_letters(parts.settings).total == 400
    assert worker.poll() is None


@ON_EMBEDDED
def test_letters_sent_again_are_folded_once_their_writer_is_mended(parts: ComponentStack) -> None:
    """An event too large for one worker is a letter; a worker that takes larger ones folds it; a broken one returns."""
    broken = b'{"messageVersion":"9.0"}'
    large = raw(inputTranscript="x" * 5_000)
    worker = parts.start_worker(TURNFOLD_MAX_EVENT_BYTES="4000")
    parts.send([large, broken])
    parts.wait_until_folded()
    assert count_dead_letters(parts.settings).reasons == {"too-large": 1, "wrong-shape": 1}
    worker.terminate()
    worker.wait(PATIENCE)
    parts.start_worker()
    parts.run("dead-letters", "retry")
    parts.wait_until_folded()
    assert count_dead_letters(parts.settings).reasons == {"wrong-shape": 1}
    assert_tables(parts, [large])
    parts.run("dead-letters", "retry")
    parts.wait_until_folded()
    assert count_dead_letters(parts.settings).total == 1, "still broken, it is a new letter each time"


@IN_SEARCH
def test_up_ends_with_the_workers_last_words(tmp_path: Path) -> None:
    flood = FLOOD[:1_200]
    (tmp_path / "flood").write_bytes(b"\n".join(flood))
    stack = Stack(tmp_path / "data")
    environ = pytest.MonkeyPatch()
    environ.setenv("TURNFOLD_DEAD_LETTER_WINDOW", "1000")
    stack.start()
    environ.undo()
    assert stack.process is not None
    sent = stack.turnfold("ingest", "--wait=0", "--json", str(tmp_path / "flood"))
    assert orjson.loads(sent.stdout)["dead"] == len(flood)
    said, _ = stack.process.communicate(timeout=PATIENCE)
    assert stack.process.returncode == 1
    assert "worker-1 exited with status 1" in said
    assert "TURNFOLD_DEAD_LETTER_SHARE=1" in said
