"""What the processes tell of themselves is what Kafka and ClickHouse say too; who waits is alive, and says for what."""

import re
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.config.settings import Settings
from pipeline.runtime.sockets import free_port
from tests import brokers, services
from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.integration.component_stack import ClickHouseServer, ComponentStack, component_stack
from tests.integration.listing import listed
from tests.integration.stack import PATIENCE, BaseStack
from tests.integration.traffic import BOTS, lines

AGENTS = ("intake", "conversations")

Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


def told(url: str) -> Callable[..., float]:
    """What a process tells at /metrics: a function from a name without its prefix, and labels, to the value."""
    text = services.ask(url, path="/metrics").text
    samples: Samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return lambda name, **labels: samples[f"turnfold_{name}", frozenset(labels.items())]


def readiness(url: str) -> tuple[int, dict[str, Any]]:
    answer = services.ask(url, path="/readyz")
    return answer.status, orjson.loads(answer.body)


@pytest.fixture
def worker_url(stack: BaseStack) -> str:
    """The address of the stack's worker, which only its log knows."""
    log = (stack.data / "logs" / "worker-1.log").read_text()
    found = re.search(r"metrics and probes on (http://127\.0\.0\.1:\d+)", log)
    assert found, log
    return found[1]


def test_a_worker_counts_what_lies_in_kafka(stack: BaseStack, worker_url: str) -> None:
    stack.wait_until_folded()
    status, metric = stack.status(), told(worker_url)
    for agent, topic in zip(AGENTS, stack.topics, strict=False):
        partitions = status["topics"][topic]
        assert metric("records_total", agent=agent) == sum(partition["end"] for partition in partitions) > 0
        assert metric("freshness_seconds_count", agent=agent) == metric("records_total", agent=agent)
        assert metric("flush_seconds_count", agent=agent) == metric("batches_total", agent=agent) > 0
        for partition in partitions:
            assert metric("lag_records", topic=topic, partition=str(partition["partition"])) == 0
    assert metric("commit_seconds_count", outcome="done") > 0


def test_a_worker_counts_dead_letters_by_their_reason(stack: BaseStack, worker_url: str) -> None:
    dead, metric = stack.status()["dead"], told(worker_url)
    assert dead["reasons"]
    for reason, count in dead["reasons"].items():
        assert sum(metric("dead_letters_total", agent=agent, reason=reason) for agent in AGENTS) == count


def test_a_worker_tells_events_rows_and_where_conversations_came_from(stack: BaseStack, worker_url: str) -> None:
    metric = told(worker_url)
    turns = metric("events_total", novelty="new")
    letters = sum(
        metric("dead_letters_total", agent="conversations", reason=reason)
        for reason in stack.status()["dead"]["reasons"]
    )
    assert turns + metric("events_total", novelty="known") == metric("records_total", agent="conversations") - letters
    assert turns == metric("rows_total", table="turns") == stack.status()["rows"]["turns"]
    assert metric("rows_total", table="conversations") >= stack.status()["rows"]["conversations"]
    assert metric("conversations_total", source="new") == stack.status()["rows"]["conversations"]
    assert 0 < metric("memory_conversations") <= stack.status()["rows"]["conversations"]


def test_a_stack_is_alive_and_ready(stack: BaseStack, worker_url: str) -> None:
    for url in (worker_url, stack.api):
        assert services.ask(url, path="/healthz").status == 200
        assert readiness(url) == (200, {"status": "ready"})


def test_a_query_layer_counts_what_the_sdk_asks(stack: BaseStack) -> None:
    listed(stack, BOTS[0])
    before = told(stack.api)("requests_total", operation="ListSessionAnalyticsData", status="200")
    listed(stack, BOTS[0], maxResults=1000)
    metric = told(stack.api)
    assert metric("requests_total", operation="ListSessionAnalyticsData", status="200") == before + 1
    assert metric("request_seconds_count", operation="ListSessionAnalyticsData") >= before + 1


def started(parts: ComponentStack, **environ: str) -> str:
    """The address of a worker that answers its probes; it may not be ready."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    worker = parts.start_worker(TURNFOLD_WORKER_PORT=str(port), **environ)
    parts.wait_until(lambda: worker.poll() is not None or alive(url), "an answer of the worker")
    assert worker.poll() is None, parts.log
    return url


def alive(url: str) -> bool:
    try:
        return services.ask(url, path="/healthz").status == 200
    except OSError:
        return False


@ON_EMBEDDED
def test_a_worker_that_waits_for_clickhouse_is_alive_and_not_ready(parts: ComponentStack) -> None:
    """First without anything to do, then with a batch in hand; ready again by itself."""
    parts.stop_clickhouse()
    url = started(parts)
    parts.wait_until(lambda: "reading 8 partitions" in parts.log, "partitions")
    status, body = readiness(url)
    assert status == 503
    assert body["status"] == "waiting"
    (reason,) = body["reasons"]
    assert reason.startswith("ClickHouse cannot be queried: ")
    parts.send(lines(seed=4, conversations=20))
    parts.wait_until(lambda: told(url)("waiting", service="clickhouse") == 1, "that it waits")
    assert alive(url)
    status, body = readiness(url)
    assert (status, len(body["reasons"])) == (503, 1)
    assert body["reasons"][0].startswith("waiting for ClickHouse: ")
    metric = told(url)
    assert metric("retries_total", service="clickhouse") > 0
    assert metric("waiting", service="kafka") == metric("records_total", agent="conversations") == 0
    turns = parts.settings.topic_turns
    assert sum(metric("lag_records", topic=turns, partition=str(number)) for number in range(4)) > 0
    parts.start_clickhouse()
    parts.wait_until(lambda: readiness(url) == (200, {"status": "ready"}), "readiness")
    parts.wait_until_folded()
    assert told(url)("waiting", service="clickhouse") == 0
    assert told(url)("records_total", agent="conversations") > 0


@IN_SEARCH
def test_a_worker_after_another_sees_no_lag_in_what_that_one_committed(parts: ComponentStack) -> None:
    """It has read nothing itself yet: what lies before the committed offsets is no lag."""
    first = parts.start_worker()
    parts.send(lines(seed=4, conversations=20))
    parts.wait_until_folded()
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 0
    url = started(parts)
    parts.wait_until(lambda: readiness(url)[0] == 200, "readiness")
    topic = parts.settings.topic_turns

    def lags() -> list[float]:
        metric = told(url)
        return [metric("lag_records", topic=topic, partition=str(number)) for number in range(4)]

    parts.wait_until(lambda: f'topic="{topic}"' in services.ask(url, path="/metrics").text, "a first fetch")
    parts.wait_until(lambda: services.ask(url, path="/metrics").text.count(f'topic="{topic}"') == 4, "all partitions")
    assert lags() == [0, 0, 0, 0]


def test_a_worker_that_does_not_find_kafka_is_alive_and_not_ready_and_can_be_stopped(parts: ComponentStack) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    url = started(parts, TURNFOLD_KAFKA=nowhere)
    parts.wait_until(lambda: told(url)("retries_total", service="kafka") >= 2, "a second try")
    status, body = readiness(url)
    assert status == 503
    (reason,) = body["reasons"]
    assert reason.startswith("Kafka does not answer: ")
    assert nowhere.rpartition(":")[2] in reason
    (worker,) = parts.workers
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    assert "Traceback" not in parts.log


def test_a_worker_is_ready_while_kafka_answers(tmp_path: Path, shared_clickhouse: ClickHouseServer) -> None:
    """First the broker takes connections and says nothing, then it wakes, then it dies; the worker outlives it all."""
    with (
        brokers.broker() as (address, broker),
        component_stack(tmp_path, brokers.unused(Settings(kafka=(address,))), shared_clickhouse) as parts,
    ):
        with brokers.stopped(broker):
            url = started(parts)
            status, body = readiness(url)
            assert (status, len(body["reasons"])) == (503, 1)
            assert body["reasons"][0].startswith("Kafka does not answer")
        parts.wait_until(lambda: readiness(url)[0] == 200, "readiness")
        broker.kill()
        parts.wait_until(lambda: readiness(url)[0] == 503, "that it is not ready")
        assert readiness(url)[1]["reasons"][0].startswith("Kafka does not answer")
        assert alive(url)
        parts.workers[0].kill()  # leaving a group takes long where there is none any more


@ON_EMBEDDED
def test_a_port_in_use_ends_the_worker_with_one_sentence(parts: ComponentStack) -> None:
    url = started(parts)
    other = parts.start_worker(TURNFOLD_WORKER_PORT=url.rpartition(":")[2])
    assert other.wait(PATIENCE) == 2
    assert "TURNFOLD_WORKER_PORT" in parts.log
    assert "Traceback" not in parts.log
    assert alive(url)
