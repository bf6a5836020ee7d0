"""Faust gets the credentials that the settings contain, and shows no password."""

import pytest
from faust import SASLCredentials, SSLCredentials

from agents.app import credentials
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from tests.certificates import Certificates
from tests.secured_kafka import MECHANISMS


def test_where_nothing_is_demanded_nothing_is_shown() -> None:
    assert credentials(Settings()) is None


def test_tls_trusts_the_given_authorities_only(pem: Certificates) -> None:
    shown = credentials(Settings(kafka_security="SSL", kafka_ca=str(pem.ca)))
    assert isinstance(shown, SSLCredentials)
    assert shown.protocol.value == "SSL"
    assert [ca["subject"] for ca in shown.context.get_ca_certs()] == [((("commonName", "ca"),),)]
    assert shown.context.check_hostname


@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("security", ["SASL_PLAINTEXT", "SASL_SSL"])
def test_user_and_password_go_with_their_mechanism(pem: Certificates, security: str, mechanism: str) -> None:
    settings = Settings(
        kafka_security=security,  # type: ignore[arg-type]  # one of the names, from a parameter
        kafka_sasl_mechanism=mechanism,  # type: ignore[arg-type]  # as above
        kafka_user="me",
        kafka_password="s3cret",
        kafka_ca=str(pem.ca) if security == "SASL_SSL" else "",
    )
    shown = credentials(settings)
    assert isinstance(shown, SASLCredentials)
    assert (shown.protocol.value, shown.mechanism.value) == (security, mechanism)
    assert (shown.username, shown.password) == ("me", "s3cret")
    assert (shown.ssl_context is not None) == (security == "SASL_SSL")
    assert "s3cret" not in f"{shown!r} {settings!r}"


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="TURNFOLD_KAFKA_CA=/nowhere"):
        credentials(Settings(kafka_security="SSL", kafka_ca="/nowhere"))
