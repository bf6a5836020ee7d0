"""librdkafka reports refusals and brokers that are away as the other clients do."""

import logging

import msgspec
import pytest
from kafka import TopicPartition

from pipeline.config.settings import Settings
from pipeline.kafka.bulk_consumer import read_batches
from pipeline.kafka.client.fetcher import fetcher
from pipeline.runtime.errors import TransientError, UsageError
from tests.brokers import broker
from tests.certificates import Certificates
from tests.pipeline.kafka.producing import PATIENCE
from tests.secured_kafka import DOORS, SecuredKafka

GUESS = "a-guessed-password"
SASL = [door for door in DOORS if door[0].startswith("SASL")]


def refusal(settings: Settings, patience: float = PATIENCE) -> str:
    """Return the text of the user error."""
    with pytest.raises(UsageError) as refused, fetcher(settings, patience) as opened:
        list(read_batches(opened, TopicPartition(settings.topic_turns, 0), (0, 1), 1, patience))
    return str(refused.value)


@pytest.mark.apache
@pytest.mark.parametrize(("security", "mechanism"), SASL)
def test_a_wrong_password_is_refused_and_never_shown(
    apache_kafka: SecuredKafka, security: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = msgspec.structs.replace(apache_kafka.settings(security, mechanism), kafka_password=GUESS)
    said = refusal(settings)
    assert "uthentication failed" in said
    assert "_PASSWORD" in said
    assert GUESS not in said + caplog.text


@pytest.mark.apache
def test_no_certificate_where_one_is_demanded_is_refused(apache_kafka: SecuredKafka) -> None:
    assert "_CERTIFICATE" in refusal(msgspec.structs.replace(apache_kafka.settings("SSL"), kafka_certificate=""))


@pytest.mark.apache
def test_an_untrusted_broker_is_refused(apache_kafka: SecuredKafka, pem: Certificates) -> None:
    said = refusal(msgspec.structs.replace(apache_kafka.settings("SASL_SSL"), kafka_ca=str(pem.strangers)))
    assert "not trusted" in said
    assert "TURNFOLD_KAFKA_CA" in said


@pytest.mark.apache
def test_a_broker_under_another_name_is_refused(apache_kafka: SecuredKafka) -> None:
    """127.1 is the same address, but the certificate does not say so."""
    settings = apache_kafka.settings("SSL")
    other = (settings.kafka[0].replace("127.0.0.1", "127.1"),)
    assert "not trusted" in refusal(msgspec.structs.replace(settings, kafka=other))


def test_a_file_that_cannot_be_used_is_named_with_its_setting() -> None:
    assert "TURNFOLD_KAFKA_CA=/nowhere" in refusal(Settings(kafka_security="SSL", kafka_ca="/nowhere"))


def test_a_broker_that_is_away_is_a_transient_error_that_names_the_address() -> None:
    nobody = Settings(kafka=("127.0.0.1:1",))
    with pytest.raises(TransientError, match=r"Kafka at 127\.0\.0\.1:1 does not answer"), fetcher(nobody, 0.5):
        pytest.fail("there is no broker")


def test_what_librdkafka_has_to_say_goes_to_our_log(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """A broker that dies while it is read from: left alone, librdkafka would write to standard error."""
    caplog.set_level(logging.DEBUG)
    with broker() as mortal:
        settings = Settings(kafka=(mortal.address,))
        with pytest.raises(TransientError, match="refused"), fetcher(settings) as opened:  # noqa: PT012 - it dies within
            reading = read_batches(opened, TopicPartition("turns", 0), (0, 1), 1, 2.0)
            mortal.process.kill()
            mortal.process.wait()
            list(reading)
    assert [record for record in caplog.records if record.name == "librdkafka"]
    assert capfd.readouterr().err == ""
