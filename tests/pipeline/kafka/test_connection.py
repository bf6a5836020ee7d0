"""Whether Kafka is away is found out at once, and errors of connections name it."""

import socket
import ssl

import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.connection import check_reachable, reason, translate_connection_errors
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.runtime.sockets import free_port

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
