import pytest
from confluent_kafka import KafkaError, KafkaException

from pipeline.config.settings import Settings
from pipeline.kafka.librdkafka import client_options, translate_librdkafka_errors
from pipeline.runtime.errors import TransientError, UsageError


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
