"""Whether Kafka is away is found out at once, and errors of connections name it."""

import socket
import ssl

import msgspec
import pytest
from kafka import TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.bulk_consumer import read_batches
from pipeline.kafka.client.connection import (
    check_reachable,
    kafka_python_options,
    librdkafka_options,
    reason,
    tls_context,
    translate_connection_errors,
)
from pipeline.kafka.client.fetcher import fetcher
from pipeline.kafka.group import read_lag
from pipeline.kafka.producer.produce import Producer
from pipeline.kafka.topics import create_topics
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.runtime.sockets import free_port
from tests.certificates import Certificates
from tests.secured_kafka import DOORS, SecuredKafka

SETTINGS = Settings(kafka=("kafka-1:9092", "kafka-2:9092"))
UNTRUSTED = ssl.SSLCertVerificationError(1, "failed")
UNTRUSTED.verify_message = "self-signed certificate"


def test_one_server_that_answers_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        here = f"127.0.0.1:{listening.getsockname()[1]}"
        away = f"127.0.0.1:{free_port()}"
        check_reachable((away, here), None, 5)
        check_reachable((here, away), None, 5)
        with pytest.raises(ConnectionRefusedError):
            check_reachable((away, away), None, 5)


@pytest.mark.parametrize(("error", "kind", "said"), [
    (ConnectionRefusedError(111, "Connection refused"), TransientError, r"does not answer: .*refused"),
    (ssl.SSLError("wrong version"), TransientError, "does not answer over TLS: .*wrong version"),
    (UNTRUSTED, UsageError, r"not trusted \(self-signed certificate\): TURNFOLD_KAFKA_CA"),
])  # fmt: skip
def test_errors_name_the_servers_and_a_remedy(error: Exception, kind: type[Exception], said: str) -> None:
    with (
        pytest.raises(kind, match=f"Kafka at kafka-1:9092,kafka-2:9092 .*{said}"),
        translate_connection_errors(SETTINGS),
    ):
        raise error


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), translate_connection_errors(SETTINGS):
        raise KeyError("a bug")


@pytest.mark.parametrize(
    ("error", "said"), [(OSError(5, "broken"), "[Errno 5] broken"), (ValueError("x", 1), "x"), (KeyError(), "KeyError")]
)
def test_a_reason_is_the_text_of_an_error_or_its_class(error: Exception, said: str) -> None:
    assert reason(error) == said


@pytest.mark.apache
@pytest.mark.parametrize(("security", "mechanism"), DOORS)
def test_every_client_connects(apache_kafka: SecuredKafka, security: str, mechanism: str) -> None:
    settings = msgspec.structs.replace(apache_kafka.settings(security, mechanism), kafka_idempotence=True)
    assert len(create_topics(settings).created) == 3
    with Producer(settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        for number in range(100):
            producer.send(settings.topic_turns, b"key %d" % number, b"value")
        producer.flush()
    ends = {lag.partition: lag.end for lag in read_lag(settings) if lag.topic == settings.topic_turns}
    assert sum(ends.values()) == 100
    assert sum(read(settings, TopicPartition(settings.topic_turns, number), end) for number, end in ends.items()) == 100


def read(settings: Settings, partition: TopicPartition, end: int) -> int:
    """How many records librdkafka is given."""
    with fetcher(settings) as opened:
        return sum(len(fetched.records) for fetched in read_batches(opened, partition, (0, end), 100, 10.0))


def test_without_demands_there_is_neither_tls_nor_a_user() -> None:
    assert tls_context(Settings()) is None
    assert kafka_python_options(Settings(), None) == {"security_protocol": "PLAINTEXT", "ssl_context": None}
    assert librdkafka_options(Settings()) == {"security.protocol": "PLAINTEXT"}


def test_the_password_goes_along_only_where_it_is_demanded() -> None:
    settings = Settings(kafka_security="SASL_PLAINTEXT", kafka_user="me", kafka_password="s3cret")
    assert tls_context(settings) is None
    assert kafka_python_options(settings, None)["sasl_mechanism"] == "SCRAM-SHA-512"
    assert kafka_python_options(settings, None)["sasl_plain_password"] == "s3cret"
    assert librdkafka_options(settings)["sasl.mechanism"] == "SCRAM-SHA-512"
    assert librdkafka_options(settings)["sasl.password"] == "s3cret"
    without = msgspec.structs.replace(settings, kafka_security="PLAINTEXT")
    assert "s3cret" not in str(kafka_python_options(without, None)) + str(librdkafka_options(without))


def test_librdkafka_reads_the_files_of_the_settings_and_looks_at_names() -> None:
    settings = Settings(kafka_security="SSL", kafka_ca="ca.pem", kafka_certificate="ours.pem", kafka_key="key.pem")
    assert librdkafka_options(settings) == {
        "security.protocol": "SSL",
        "ssl.endpoint.identification.algorithm": "https",
        "ssl.ca.location": "ca.pem",
        "ssl.certificate.location": "ours.pem",
        "ssl.key.location": "key.pem",
    }
    both_in_one = msgspec.structs.replace(settings, kafka_key="")
    assert librdkafka_options(both_in_one)["ssl.key.location"] == "ours.pem"


def test_without_a_file_of_authorities_both_clients_trust_the_same_ones(
    monkeypatch: pytest.MonkeyPatch, pem: Certificates
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem.ca))
    settings = Settings(kafka_security="SSL")
    context = tls_context(settings)
    assert context
    alone = ssl.create_default_context(cafile=str(pem.ca))
    assert set(alone.get_ca_certs(binary_form=True)) <= set(context.get_ca_certs(binary_form=True))
    assert librdkafka_options(settings)["ssl.ca.location"] == str(pem.ca)


def test_files_that_cannot_be_used_are_named_with_their_setting(pem: Certificates) -> None:
    right = Settings(kafka_security="SSL", kafka_ca=str(pem.ca), kafka_certificate=str(pem.client))
    context = tls_context(right)
    assert context
    assert context.check_hostname
    for wrong, variable in (
        ({"kafka_ca": "/nowhere"}, "TURNFOLD_KAFKA_CA=/nowhere"),
        ({"kafka_certificate": "/nowhere"}, "TURNFOLD_KAFKA_CERTIFICATE=/nowhere"),
        ({"kafka_key": "/nowhere"}, "TURNFOLD_KAFKA_CERTIFICATE=.* with key /nowhere"),
    ):
        with pytest.raises(UsageError, match=variable):
            tls_context(msgspec.structs.replace(right, **wrong))
