import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import msgspec
import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.errors import ClusterAuthorizationFailedError, KafkaTimeoutError, NotEnoughReplicasError

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import (
    Ends,
    TopicReader,
    open_admin,
    open_consumer,
    translate_errors,
)
from pipeline.runtime.errors import TransientError, UsageError
from tests.pipeline.kafka.producing import now, send, wait_until, writing

NOBODY = Settings(kafka=("127.0.0.1:1",))
PATIENCE = 0.5


def test_a_broker_that_is_away_is_a_transient_error_that_names_the_address() -> None:
    with pytest.raises(TransientError, match=r"Kafka at 127\.0\.0\.1:1 does not answer"), open_admin(NOBODY, PATIENCE):
        pytest.fail("there is no broker")


def test_a_silent_server_is_a_transient_error_for_every_client() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = Settings(kafka=(f"127.0.0.1:{silent.getsockname()[1]}",))
        with pytest.raises(TransientError), open_admin(settings, PATIENCE):
            pytest.fail("it has not answered")
        with pytest.raises(TransientError), open_consumer(settings, PATIENCE):
            pytest.fail("it has not answered")


@pytest.mark.parametrize("wrong", ["localhost", "host:", ":9092", "host:http", "host:0", "host:65536", "h:-1"])
def test_an_invalid_address_is_reported_before_anything_is_tried(wrong: str) -> None:
    settings = Settings(kafka=("127.0.0.1:9092", wrong))
    with pytest.raises(UsageError, match=r"TURNFOLD_KAFKA.*host:port"), open_admin(settings):
        pytest.fail("the address is none")


def test_a_missing_address_is_reported() -> None:
    with pytest.raises(UsageError, match="TURNFOLD_KAFKA names no server"), open_admin(Settings(kafka=())):
        pytest.fail("there is no address")


def test_a_refusal_is_a_user_error() -> None:
    refused = pytest.raises(UsageError, match="refuses the request: ClusterAuthorizationFailedError")
    with refused, translate_errors(NOBODY):
        raise ClusterAuthorizationFailedError


@pytest.mark.parametrize(("error", "said"), [
    (KafkaTimeoutError("too late"), "too late"),
    (NotEnoughReplicasError(), "NotEnoughReplicasError"),
])  # fmt: skip
def test_errors_have_the_text_of_kafka_python(error: Exception, said: str) -> None:
    with pytest.raises(TransientError, match=said), translate_errors(NOBODY):
        raise error


def test_one_answering_server_of_several_is_enough(kafka_settings: Settings) -> None:
    with hanging_up() as useless:
        settings = msgspec.structs.replace(kafka_settings, kafka=(useless, *kafka_settings.kafka))
        with open_admin(settings) as kafka:
            assert isinstance(kafka.list_topics(), list)


@contextmanager
def hanging_up() -> Iterator[str]:
    """The address of a server that takes connections and closes them at once.

    A port where nobody listens would do as well, but for the sockets of refused connections, which kafka-python
    leaves to the garbage collector.
    """

    def serve() -> None:
        with suppress(OSError):
            while True:
                server.accept()[0].close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_the_ends_of_a_partition_are_kept_up_to_date(
    consumer: TopicReader, partition: TopicPartition, producer: KafkaProducer
) -> None:
    consumer.assign([partition])
    for total in (2, 4):
        send(producer, partition, [now()] * 2)
        wait_until(lambda: consumer.poll(timeout_ms=100) != {})
        assert consumer.ends[partition] == Ends(total, total)


def test_an_open_transaction_ends_what_can_be_read(
    kafka_settings: Settings, consumer: TopicReader, partition: TopicPartition
) -> None:
    options = {"enable_idempotence": True, "transactional_id": kafka_settings.kafka_group}
    with writing(kafka_settings, **options) as transacting:
        transacting.init_transactions()
        transacting.begin_transaction()
        send(transacting, partition, [now()] * 3)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        wait_until(lambda: consumer.poll(timeout_ms=100) == {} and partition in consumer.ends)
        assert consumer.ends[partition] == Ends(0, 3)
        transacting.abort_transaction()
