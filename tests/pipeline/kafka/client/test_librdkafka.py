import logging
import time

import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline.config.settings import Settings
from pipeline.kafka.client.librdkafka import OUTAGE_ENDS_S, OutageFilter, client_options, translate_librdkafka_errors
from pipeline.kafka.producer.bulk_producer import BulkProducer
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.runtime.sockets import free_port


def test_times_are_bounded() -> None:
    options = client_options(Settings(kafka=("a:1", "b:2")), 0.2)
    assert options["bootstrap.servers"] == "a:1,b:2"
    assert options["socket.timeout.ms"] == 1000, "the shortest that librdkafka accepts"
    assert client_options(Settings(), 10)["socket.timeout.ms"] == 10_000


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (KafkaError.SASL_AUTHENTICATION_FAILED, UsageError, "refuses the connection"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, UsageError, "refuses the request"),
        (KafkaError._INVALID_ARG, UsageError, "refuses the request"),
        (KafkaError._TRANSPORT, TransientError, "cannot serve"),
    ],
)
def test_errors_say_whether_a_retry_helps(code: int, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words), translate_librdkafka_errors(Settings()):
        raise KafkaException(KafkaError(code))


def logged(message: str, at: float, level: int = logging.ERROR) -> logging.LogRecord:
    record = logging.LogRecord("librdkafka", level, "", 0, message, (), None)
    record.created = at
    return record


def refused(host: str, milliseconds: int) -> str:
    where = f"{host}:9092/bootstrap"
    connect = f"Connect to ipv4#{host}:9092 failed: Connection refused (after {milliseconds}ms in state CONNECT)"
    return f"FAIL [turnfold#producer-1] [thrd:{where}]: {where}: {connect}"


def test_an_error_is_logged_once_in_an_outage() -> None:
    outages = OutageFilter()
    passed = [outages.filter(logged(refused("10.0.0.1", time), time)) for time in range(1000)]
    assert passed == [True] + 999 * [False]
    assert outages.filter(logged(refused("10.0.0.2", 0), 1000)), "another error"
    assert outages.filter(logged(refused("10.0.0.1", 0), 1001 + OUTAGE_ENDS_S)), "another outage"
    assert not outages.filter(logged(refused("10.0.0.1", 0), 1002 + OUTAGE_ENDS_S))


def test_errors_of_the_past_are_forgotten() -> None:
    outages = OutageFilter()
    for number in range(10_000):
        assert outages.filter(logged(f"error {number}", number))
    assert len(outages._last) <= OUTAGE_ENDS_S + 1


def test_what_is_no_error_is_left_to_the_level() -> None:
    outages = OutageFilter()
    assert all(outages.filter(logged("x", 0, logging.INFO)) for _ in range(3))


def test_while_kafka_is_away_that_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    away = Settings(kafka=(f"127.0.0.1:{free_port()}",))
    client = BulkProducer(away, connected=False)
    client.kafka.produce(away.topic_turns, b"value", b"key")
    seen, ends = 0, time.monotonic() + 5
    while time.monotonic() < ends:
        client.kafka.poll(0.2)
        seen += client.last_error != ""
        client.last_error = ""
    assert seen > 1, "librdkafka has tried again"
    assert [record.message.count("Connection refused") for record in caplog.records] == [1]
