"""A flush that never returns raises nothing: the worker says so by itself, to whoever watches over it."""

import signal
import urllib.error
import urllib.request

import orjson
import pytest

from pipeline.runtime.sockets import free_port
from tests.broker_matrix import ON_EMBEDDED
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import lines


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return lines(seed=37, conversations=30)


def health(port: int) -> tuple[int, str]:
    """Status and body of a worker's /healthz."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as wrong:
        return wrong.code, wrong.read().decode()


@ON_EMBEDDED
def test_a_worker_whose_flush_hangs_says_that_it_is_stuck_until_it_goes_on(
    parts: ComponentStack, traffic: list[bytes]
) -> None:
    """ClickHouse is frozen here and the time-out so long that no attempt ever fails."""
    port = free_port()
    parts.start_worker(TURNFOLD_WORKER_PORT=str(port), TURNFOLD_STUCK_SECONDS="2", TURNFOLD_CLICKHOUSE_TIMEOUT="3600")
    parts.send(traffic[::2])
    parts.wait_until_folded()
    assert health(port) == (200, '{"status":"alive"}')
    assert parts.clickhouse is not None
    parts.clickhouse.send_signal(signal.SIGSTOP)
    try:
        parts.send(traffic[1::2])
        parts.wait_until(lambda: health(port)[0] == 503, "a word of it")
        told = orjson.loads(health(port)[1])
        assert told["status"] == "stuck"
        assert "agent conversations finished nothing" in told["reasons"][0]
        parts.wait_for_log("agent conversations finished nothing")
    finally:
        parts.clickhouse.send_signal(signal.SIGCONT)
    parts.wait_until_folded()
    parts.wait_until(lambda: health(port)[0] == 200, "the end of it")
    assert_tables(parts, traffic)
