"""Build the TLS context and the client options that Kafka's security settings require."""

import ssl

from pipeline.config.settings import Settings
from pipeline.runtime.tls import client_context, load_certificate


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Build the TLS context for Kafka; None if the settings do not enable TLS.

    Raises:
        UsageError: a certificate file cannot be used.
    """
    if not settings.kafka_tls:
        return None
    context = client_context(settings.kafka_ca, "TURNFOLD_KAFKA_CA")
    if settings.kafka_certificate:
        load_certificate(context, settings.kafka_certificate, settings.kafka_key, "TURNFOLD_KAFKA_CERTIFICATE")
    return context


def kafka_python_options(settings: Settings, tls: ssl.SSLContext | None) -> dict[str, object]:
    """Return kafka-python's options for TLS and SASL."""
    options: dict[str, object] = {"security_protocol": settings.kafka_security, "ssl_context": tls}
    if settings.kafka_sasl:
        options["sasl_mechanism"] = settings.kafka_sasl_mechanism
        options["sasl_plain_username"] = settings.kafka_user
        options["sasl_plain_password"] = settings.kafka_password
    return options


def librdkafka_options(settings: Settings) -> dict[str, str]:
    """Return librdkafka's options for TLS and SASL; it reads the files itself, `tls_context` reports errors in them."""
    options: dict[str, str] = {"security.protocol": settings.kafka_security}
    if settings.kafka_tls:
        options["ssl.endpoint.identification.algorithm"] = "https"
        if authorities := settings.kafka_ca or _system_authorities():
            options["ssl.ca.location"] = authorities
        if settings.kafka_certificate:
            options["ssl.certificate.location"] = settings.kafka_certificate
            options["ssl.key.location"] = settings.kafka_key or settings.kafka_certificate
    if settings.kafka_sasl:
        options["sasl.mechanism"] = settings.kafka_sasl_mechanism
        options["sasl.username"] = settings.kafka_user
        options["sasl.password"] = settings.kafka_password
    return options


def _system_authorities() -> str | None:
    """Return the path of this machine's trusted authorities; librdkafka's own OpenSSL may look elsewhere."""
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.capath
