"""`turnfold up` whose processes die under traffic: it says so, starts them again, and goes on."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.producer.produce import Producer
from tests.broker_matrix import ON_APACHE
from tests.effort import IN_SEARCH
from tests.events import raw
from tests.integration.listing import listed
from tests.integration.stack import PATIENCE, Stack, running
from tests.integration.traffic import expected, lines
from tests.services import ask

KILLS = int(os.environ.get("KILLS", "1"))
"""Times that each process is killed."""
ERASED = "somebody who is erased"
PAUSE = 0.005
"""Seconds between two events."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("alive") / "data") as it:
        yield it


def child(stack: Stack, words: str) -> int:
    """The process of the stack whose command has these words."""
    assert stack.process is not None
    children = Path(f"/proc/{stack.process.pid}/task/{stack.process.pid}/children").read_text().split()
    (found,) = [pid for pid in children if words in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")]
    return int(found)


def said(stack: Stack, *texts: str) -> list[str]:
    """What the stack says until each of the texts was said once."""
    assert stack.process is not None
    assert stack.process.stdout is not None
    heard, waiting = [], list(texts)
    for line in stack.process.stdout:
        heard.append(line)
        waiting = [text for text in waiting if text not in line]
        if not waiting:
            return heard
    raise AssertionError(f"it ended and never said {waiting}: {''.join(heard)}")


@contextmanager
def fed(stack: Stack, run: str) -> Iterator[list[bytes]]:
    """Events of this run that are sent for the length of the block, and acknowledged after it."""
    sent: list[bytes] = []
    failed: list[str] = []
    enough = threading.Event()
    settings = load_settings(stack.environ)

    def feed() -> None:
        with Producer(settings, on_failure=lambda *trouble: failed.append(str(trouble))) as producer:
            for line in lines(seed=7, conversations=5_000):
                if enough.wait(PAUSE):
                    break
                sent.append(line.replace(b"request-", f"request-{run}-".encode()))
                producer.send(settings.topic_raw, None, sent[-1])
            producer.flush()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        yield sent
    finally:
        enough.set()
        feeder.join(PATIENCE)
        assert not feeder.is_alive()
    assert not failed


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def assert_listed(stack: Stack, run: str, sent: list[bytes]) -> None:
    """All conversations of the run are listed as they should be, once their events are folded."""
    stack.wait_until_folded()
    for bot, sessions in expected(sent).items():
        found = listed(stack, bot, maxResults=1000)
        assert [one for one in found if one["originatingRequestId"].startswith(f"request-{run}-")] == sessions


def test_what_is_killed_under_traffic_comes_back_and_nothing_is_lost(stack: Stack) -> None:
    programs = {"worker-1": "cli.main worker", "query-layer": "cli.main serve", "clickhouse": "embedded.clickhouse"}
    with fed(stack, "killed") as sent:
        for name, words in [*programs.items()] * KILLS:
            os.kill(child(stack, words), signal.SIGKILL)
            heard = said(stack, f"{name} was killed by signal 9", f"{name} is ready again")
            assert any("was killed by signal 9" in line and "restarting it in" in line for line in heard)
    assert sent
    assert_listed(stack, "killed", sent)


@IN_SEARCH
def test_without_the_engine_the_query_layer_is_not_ready(stack: Stack) -> None:
    def seen_without() -> bool:
        os.kill(child(stack, "embedded.clickhouse"), signal.SIGKILL)
        answer = ask(stack.api, path="/readyz")  # on a slow machine the engine may be back by then
        said(stack, "clickhouse is ready again")
        return answer.status == 503

    wait_for(seen_without)
    wait_for(lambda: ask(stack.api, path="/readyz").status == 200)


@IN_SEARCH
def test_a_broker_that_died_says_what_is_lost_and_takes_new_events(stack: Stack) -> None:
    """Offsets begin anew, and so do the workers; for an erasure, they are those of another topic."""
    with fed(stack, "before") as before:
        wait_for(lambda: len(before) > 100)
    assert_listed(stack, "before", before)
    assert stack.turnfold("forget", "--session", ERASED, "--yes").returncode in {0, 1}
    os.kill(child(stack, "tansu"), signal.SIGKILL)
    heard = said(stack, "broker was killed by signal 9", "broker is ready again")
    assert "its topics were in memory" in heard[0]
    with fed(stack, "after") as after:
        wait_for(lambda: len(after) > 150)
    assert_listed(stack, "after", after)
    assert_listed(stack, "before", before)
    anew = raw(sessionId=ERASED, timestamp="2099-01-01T00:00:00.000Z")
    assert stack.turnfold("ingest", "-", data=anew).returncode == 0
    stack.wait_until_folded()
    count = f"SELECT count() FROM turnfold.conversations FINAL WHERE session_id = '{ERASED}'"  # noqa: S608 - our own
    assert ask(f"http://127.0.0.1:{stack.clickhouse_port}", count).body == b"1\n"


@ON_APACHE
def test_a_kafka_and_a_clickhouse_that_are_there_already_are_used_and_outlive_it(
    tmp_path: Path, kafka_settings: Settings, clickhouse_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kafka_group", "topic_raw", "topic_turns", "topic_dead"):
        monkeypatch.setenv(f"TURNFOLD_{name.upper()}", getattr(kafka_settings, name))
    monkeypatch.setenv("TURNFOLD_CLICKHOUSE_DATABASE", clickhouse_settings.clickhouse_database)
    stack = Stack(tmp_path / "data")
    (kafka,) = kafka_settings.kafka
    stack.kafka_port, stack.clickhouse_port = port_of(f"tcp://{kafka}"), port_of(clickhouse_settings.clickhouse)
    printed = stack.start(f"--kafka={kafka}", f"--clickhouse={clickhouse_settings.clickhouse}")
    assert "yours: its topics survive a stop" in printed
    with fed(stack, "yours") as sent:
        wait_for(lambda: len(sent) > 20)
    assert_listed(stack, "yours", sent)
    assert stack.stop(signal.SIGHUP) == 0
    assert sum(one.end for one in read_lag(load_settings(stack.environ))) >= len(sent)
    assert not (stack.data / "clickhouse").exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--kafka=127.0.0.1:1", "--kafka 127.0.0.1:1: Kafka at 127.0.0.1:1 does not answer"),
        ("--kafka=nonsense", "expected host:port"),
        ("--clickhouse=http://127.0.0.1:1", "--clickhouse http://127.0.0.1:1: "),
        ("--clickhouse=nonsense", "expected http://host:8123"),
    ],
)
def test_one_that_is_not_there_is_told_before_anything_starts(tmp_path: Path, option: str, words: str) -> None:
    ended = subprocess.run(
        Stack(tmp_path / "data").command(option), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, "Traceback" in ended.stderr) == (2, False)
    assert words in ended.stderr
    assert list((tmp_path / "data" / "logs").iterdir()) == []


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port
