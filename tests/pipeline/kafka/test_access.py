"""What Kafka demands is shown to it, as the settings say."""

import msgspec
import pytest

from pipeline.errors import UsageError
from pipeline.kafka.access import access, tls_context
from pipeline.kafka.lag import read_lag
from pipeline.kafka.produce import Producer
from pipeline.kafka.topics import create_topics
from pipeline.settings import Settings
from tests.certificates import Certificates
from tests.demanding import DOORS, Demanding


@pytest.mark.apache
@pytest.mark.parametrize(("security", "mechanism"), DOORS)
def test_every_client_is_let_in(apache_kafka: Demanding, security: str, mechanism: str) -> None:
    settings = msgspec.structs.replace(apache_kafka.settings(security, mechanism), kafka_idempotence=True)
    assert len(create_topics(settings).created) == 3
    with Producer(settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        for number in range(100):
            producer.send(settings.topic_turns, b"key %d" % number, b"value")
        producer.flush()
    assert sum(lag.end for lag in read_lag(settings)) == 100


def test_without_demands_there_is_neither_tls_nor_a_user() -> None:
    assert tls_context(Settings()) is None
    assert access(Settings(), None) == {"security_protocol": "PLAINTEXT", "ssl_context": None}


def test_the_password_goes_along_only_where_it_is_demanded() -> None:
    settings = Settings(kafka_security="SASL_PLAINTEXT", kafka_user="me", kafka_password="s3cret")
    assert tls_context(settings) is None
    assert access(settings, None)["sasl_mechanism"] == "SCRAM-SHA-512"
    assert access(settings, None)["sasl_plain_password"] == "s3cret"
    assert "s3cret" not in str(access(msgspec.structs.replace(settings, kafka_security="PLAINTEXT"), None))


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
