"""A refusal by Kafka is reported at once, with what to check, and without the password."""

import logging

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin, open_consumer
from pipeline.runtime.errors import TransientError, UsageError
from tests.certificates import Certificates
from tests.secured_kafka import DEMANDS, DOORS, SecuredKafka

pytestmark = pytest.mark.apache
GUESS = "a-guessed-password"
SASL = [door for door in DOORS if door[0].startswith("SASL")]


def refusal(settings: Settings) -> str:
    """Return the text of a user error, which comes at once: a retry would end as a transient error."""
    with pytest.raises(UsageError) as refused, open_admin(settings):
        pytest.fail("it is not let in")
    return str(refused.value)


@pytest.mark.parametrize(("security", "mechanism"), SASL)
def test_a_wrong_password_is_refused_and_never_shown(
    apache_kafka: SecuredKafka, security: str, mechanism: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    settings = msgspec.structs.replace(apache_kafka.settings(security, mechanism), kafka_password=GUESS)
    said = refusal(settings)
    assert "Authentication failed" in said
    assert "_PASSWORD" in said
    with pytest.raises(UsageError, match="_PASSWORD"), open_consumer(settings):
        pytest.fail("it is not let in")
    assert GUESS not in said + caplog.text


def test_a_user_where_none_is_demanded_is_refused(apache_kafka: SecuredKafka) -> None:
    wrong = msgspec.structs.replace(
        apache_kafka.settings("SASL_PLAINTEXT"), kafka=apache_kafka.settings("PLAINTEXT").kafka
    )
    assert "TURNFOLD_KAFKA_SECURITY" in refusal(wrong)


def test_no_certificate_where_one_is_demanded_is_refused(apache_kafka: SecuredKafka) -> None:
    assert "_CERTIFICATE" in refusal(msgspec.structs.replace(apache_kafka.settings("SSL"), kafka_certificate=""))


@pytest.mark.parametrize("authorities", ["strangers", "this machine's"])
def test_an_untrusted_broker_is_refused(apache_kafka: SecuredKafka, pem: Certificates, authorities: str) -> None:
    ca = str(pem.strangers) if authorities == "strangers" else ""
    said = refusal(msgspec.structs.replace(apache_kafka.settings("SASL_SSL"), kafka_ca=ca))
    assert "not trusted" in said
    assert "TURNFOLD_KAFKA_CA" in said


def test_a_broker_under_another_name_is_refused(apache_kafka: SecuredKafka) -> None:
    """127.1 is the same address, but the certificate does not say so."""
    settings = apache_kafka.settings("SSL")
    other = (settings.kafka[0].replace("127.0.0.1", "127.1"),)
    assert "not trusted" in refusal(msgspec.structs.replace(settings, kafka=other))


@pytest.mark.parametrize(
    ("at", "spoken"), [(at, spoken) for at in DEMANDS for spoken in ("PLAINTEXT", *DEMANDS) if at != spoken]
)
def test_another_security_than_demanded_is_an_error_that_names_the_setting(
    apache_kafka: SecuredKafka, at: str, spoken: str
) -> None:
    settings = msgspec.structs.replace(apache_kafka.settings(spoken), kafka=apache_kafka.settings(at).kafka)
    with pytest.raises((UsageError, TransientError)) as refused, open_admin(settings, 0.5):
        pytest.fail("it is not let in")
    assert "TLS" in str(refused.value) or "TURNFOLD_KAFKA_SECURITY" in str(refused.value)
