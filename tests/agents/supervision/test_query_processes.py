"""Several processes answer on one port: together they keep limits, counts and promises of one."""

import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from pipeline.config.settings import Settings
from tests.agents.cli.command import WITHIN
from tests.agents.supervision.several import Several, is_alive, several, wait_until
from tests.certificates import Certificates
from tests.effort import IN_SEARCH
from tests.integration.proxy import proxy
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.http.operations.test_list_sessions import insert
from tests.pipeline.http.serving import SESSIONS, WINDOW, Answer, client
from tests.pipeline.query.rows import conversations
from tests.services import ask, await_answer

NOWHERE = Settings(clickhouse="http://127.0.0.1:1")
TWO = "--processes=2"
LIST = "ListSessionAnalyticsData"


def pages(url: str, number: int, first: int = 1, **more: object) -> list[Answer]:
    """Ask for so many different pages at the same time, each over a connection of its own."""

    def page(limit: int) -> Answer:
        with client(url) as asking:
            return asking.sessions(maxResults=limit, **more)

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(page, range(first, first + number)))


def metric(url: str, name: str, **labels: str) -> float:
    """The value of a metric, which must be there once."""
    text = ask(url, path="/metrics").text
    samples = [each for family in parse(text) for each in family.samples if each.name == name]
    (found,) = [each.value for each in samples if labels.items() <= each.labels.items()]
    return float(found)


def test_several_answer_and_a_signal_ends_all_of_them(tmp_path: Path) -> None:
    keys = bearing(rate=1e6, concurrent=100)
    settings = msgspec.structs.replace(NOWHERE, api_keys=str(kept(tmp_path / "keys", keys)), api_processes=2)
    with several(tmp_path, settings) as running:
        pids = running.ready(2)
        assert len({*pids, running.process.pid}) == 3

        def request(number: int) -> int:
            headers = {"authorization": f"Bearer {keys.credential}"}
            return ask(running.url, b"{}", path=f"{SESSIONS}?number={number}", headers=headers).status

        with ThreadPoolExecutor(16) as threads:
            assert set(threads.map(request, range(64))) == {400}
        wait_until(lambda: len(running.audited) == 64)  # a line follows its response
        assert {line["process_number"] for line in running.audited} == {1, 2}
        assert running.stop() == 0
    assert not any(map(is_alive, pids))
    assert not running.left()
    assert "Traceback" not in str(running.log)


def test_by_default_one_process_answers_without_a_parent(tmp_path: Path) -> None:
    with several(tmp_path, NOWHERE) as running:
        await_answer(running.url, running.process)
        assert not running.left()
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
        assert not children.exists() or not children.read_text()
        assert running.stop() == 0


def test_a_process_that_is_killed_returns_and_others_answer_meanwhile(with_tables: Settings, tmp_path: Path) -> None:
    """Its counts stay, and so do the page tokens of before, also without TURNFOLD_TOKEN_KEY."""
    insert(with_tables, *conversations(10, 1))
    with several(tmp_path, with_tables, TWO) as running:
        first, second = running.ready(2)
        before = pages(running.url, 8)
        counted = metric(running.url, "turnfold_requests_total", operation=LIST)
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_alive(first))
        during = pages(running.url, 8)
        wait_until(lambda: running.table.pids[1] not in {0, first})
        running.ready(2)
        after = pages(running.url, 16, nextToken=before[0].body["nextToken"])
        assert {answer.status for answer in (*before, *during, *after)} == {200}
        assert running.table.pids[2] == second, "it was left alone"
        assert metric(running.url, "turnfold_requests_total", operation=LIST) == counted + 24
        assert metric(running.url, "turnfold_process_restarts_total", process="1") == 1
        assert running.stop() == 0
    assert "process 1 was killed by signal 9 (Killed); starting it again in 0.5 s" in running.messages


def test_a_signal_under_load_loses_no_response(with_tables: Settings, tmp_path: Path) -> None:
    """ClickHouse answers slowly, so that all requests are in progress when the signal comes."""
    load = 24
    with proxy(with_tables.clickhouse) as between:
        audit = tmp_path / "audit"
        settings = msgspec.structs.replace(with_tables, clickhouse=between.url, stop_seconds=60.0, api_audit=str(audit))
        with several(tmp_path, settings, TWO) as running:
            pids = running.ready(2)
            pages(running.url, load)  # opens the connections to ClickHouse
            between.faults.delay = 1.0
            answers: list[Answer] = []
            asking = threading.Thread(target=lambda: answers.extend(pages(running.url, load, first=100)))
            asking.start()
            wait_until(lambda: running.in_progress() == load)
            assert min(list(running.table.in_progress)[1:]) > 0, "one process has all of them"
            assert running.stop() == 0
            asking.join(WITHIN)
            assert [answer.status for answer in answers] == [200] * load
    assert not any(map(is_alive, pids))
    assert "in time" not in running.messages
    audited = [msgspec.json.decode(line) for line in audit.read_bytes().splitlines()]
    assert [line["status"] for line in audited] == [200] * 2 * load, "both write whole lines into one file"


def test_a_closed_terminal_ends_all_and_leaves_nothing(tmp_path: Path) -> None:
    with several(tmp_path, NOWHERE, TWO) as running:
        pids = running.ready(2)
        assert not {os.getpgid(pid) for pid in pids} & {os.getpgid(running.process.pid), os.getpgid(0)}
        running.process.send_signal(signal.SIGHUP)
        assert running.wait() == 0
    assert not any(map(is_alive, pids))
    assert not running.left()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_before_any_process_is_started_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    early = f"""
import os, signal
import agents.supervision.query_processes as p
create = p.ProcessTable.create
signal.signal(signal.SIGINT, signal.default_int_handler)
def interrupted(*arguments):
    os.kill(os.getpid(), {number:d})
    return create(*arguments)
p.ProcessTable.create = interrupted
"""
    with several(tmp_path, NOWHERE, TWO, before=early) as running:
        assert running.wait() == 0
        assert "answers" not in running.messages
    assert not running.left()


def test_a_closed_terminal_does_not_end_what_ignores_that(tmp_path: Path) -> None:
    ignoring = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    with several(tmp_path, NOWHERE, TWO, before=ignoring) as running:
        pids = running.ready(2)
        running.process.send_signal(signal.SIGHUP)
        assert ask(running.url, path="/healthz").status == 200
        assert (running.process.poll(), list(running.table.pids)[1:]) == (None, pids)
        assert running.stop() == 0


def test_when_the_parent_is_killed_nothing_is_left(tmp_path: Path) -> None:
    with several(tmp_path, NOWHERE, TWO) as running:
        pids = running.ready(2)
        running.process.kill()
        wait_until(lambda: not any(map(is_alive, pids)))
        wait_until(lambda: not running.left())
        with pytest.raises(OSError, match="refused"):
            ask(running.url, path="/healthz")


def test_they_speak_tls_and_survive_who_does_not(pem: Certificates, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(NOWHERE, api_certificate=str(pem.server))
    with several(tmp_path, settings, TWO) as running:
        url = running.url.replace("http", "https")
        await_answer(url, running.process, pem)
        for _ in range(8):
            with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as plain:
                plain.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert [ask(url, path="/healthz", pem=pem).status for _ in range(8)] == [200] * 8
        assert running.stop() == 0
        assert {line["level"] for line in running.log} == {"info"}


@IN_SEARCH
def test_a_process_whose_event_loop_is_blocked_is_replaced(tmp_path: Path) -> None:
    with several(
        tmp_path, NOWHERE, TWO, before="import agents.supervision.query_processes as p; p.HUNG_TICKS = 3"
    ) as running:
        stuck, _ = running.ready(2)
        os.kill(stuck, signal.SIGSTOP)
        wait_until(lambda: running.table.pids[1] not in {0, stuck})
        running.ready(2)
        assert running.stop() == 0
    assert "process 1 has been blocked for 3 s; killing it" in running.messages


def test_a_port_in_use_is_one_error_before_any_process_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with several(
            tmp_path, NOWHERE, TWO, before=f"import os; os.environ['TURNFOLD_API_PORT'] = '{port}'"
        ) as running:
            assert _error(running) == (
                f"turnfold: cannot listen on 127.0.0.1:{port} (Address already in use); choose another with "
                "TURNFOLD_API_PORT or TURNFOLD_API_HOST"
            )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(api_host="192.0.2.1"), "is reachable from other machines, but access keys are not"),
        (Settings(api_keys="/nowhere/keys"), "the keys in /nowhere/keys cannot be read"),
        (Settings(api_certificate="/nowhere/pem"), "TURNFOLD_API_CERTIFICATE=/nowhere/pem cannot be used"),
    ],
)
def test_the_rules_of_one_process_hold_and_are_told_once(settings: Settings, message: str, tmp_path: Path) -> None:
    with several(tmp_path, settings, TWO) as running:
        assert message in _error(running)


def _error(running: Several) -> str:
    """Return what it wrote before it ended, which is one line."""
    (line,) = running.error().splitlines()
    assert running.wait() == 2
    return line


def test_processes_that_cannot_start_end_the_parent_with_an_error(tmp_path: Path) -> None:
    breaking = "import agents.supervision.query_processes as p; p.MEMBER = '--no-such-option'"
    with several(tmp_path, NOWHERE, TWO, before=breaking) as running:
        text = running.error()
        assert running.wait() == 1
    assert "exited with status 2; its log says why" in text
    assert "Traceback" not in text
    assert not running.left()


def test_limits_and_revocation_of_a_key_hold_for_all_processes(tmp_path: Path) -> None:
    """Twenty requests at once and two a second, whichever process is asked."""
    slow, other = bearing(rate=2.0, concurrent=100), bearing()
    keys = kept(tmp_path / "keys", slow, other)
    settings = msgspec.structs.replace(NOWHERE, api_keys=str(keys))
    with several(tmp_path, settings, TWO) as running:
        running.ready(2)

        def statuses(number: int) -> list[int]:
            headers = {"authorization": f"Bearer {slow.credential}"}
            body = msgspec.json.encode(WINDOW)
            with ThreadPoolExecutor(8) as threads:
                answers = threads.map(lambda _: ask(running.url, body, path=SESSIONS, headers=headers), range(number))
                return [answer.status for answer in answers]

        began = time.monotonic()
        limited = statuses(80)
        refilled = 2 * (time.monotonic() - began)
        assert set(limited) == {429, 500}
        assert 20 <= limited.count(500) <= 21 + refilled, "as ClickHouse is away; limits of their own would be 40"
        kept(keys, other)
        assert set(statuses(32)) == {403}
        audited = {(line["process_number"], line["status"]) for line in running.audited}
        assert audited >= {(number, status) for number in (1, 2) for status in (429, 403)}
