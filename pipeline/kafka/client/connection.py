"""Share what all clients of Kafka need to connect: options for TLS and SASL, and the errors of a Kafka that is away."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError, UsageError
from pipeline.runtime.tls import client_context, load_certificate

CLIENT_ID = "turnfold"
SECURITY_SETTINGS = "TURNFOLD_KAFKA_SECURITY, _SASL_MECHANISM, _USER, _PASSWORD and _CERTIFICATE"
"""The settings that authentication depends on."""
PATIENCE = 10.0
"""Seconds that Kafka has to answer a request, and seconds to be found at all."""
HEADROOM = 65_536
"""Bytes that key, headers and framing may add to the largest value."""


@contextmanager
def translate_connection_errors(settings: Settings) -> Iterator[None]:
    """Raise errors of connections in the block as TransientError or UsageError."""
    servers = ",".join(settings.kafka)
    try:
        yield
    except ssl.SSLCertVerificationError as untrusted:
        raise UsageError(
            f"Kafka at {servers} shows a certificate that is not trusted ({untrusted.verify_message}): "
            "TURNFOLD_KAFKA_CA should name a file with the authorities that sign it"
        ) from untrusted
    except ssl.SSLError as error:
        raise TransientError(f"Kafka at {servers} does not answer over TLS: {reason(error)}") from error
    except OSError as error:
        raise TransientError(f"Kafka at {servers} does not answer: {reason(error)}") from error


def check_reachable(servers: tuple[str, ...], tls: ssl.SSLContext | None, patience: float) -> None:
    """Check that one of the servers accepts connections, as kafka-python would only report a timeout.

    Raises:
        OSError: the last server's error; ssl.SSLCertVerificationError if its certificate is not trusted.
        UsageError: an address of a server is invalid.
    """
    if not servers:
        raise UsageError("TURNFOLD_KAFKA names no server; expected host:port, such as 127.0.0.1:9092")
    addresses = [_address(server) for server in servers]
    for number, (host, port) in enumerate(addresses, start=1):
        try:
            with socket.create_connection((host, port), timeout=patience) as connection:
                if tls:
                    tls.wrap_socket(connection, server_hostname=host).close()
        except OSError:
            if number == len(addresses):
                raise
        else:
            return


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(f"TURNFOLD_KAFKA: {server!r} is no address; expected host:port, such as 127.0.0.1:9092")
    return host.removeprefix("[").removesuffix("]"), int(port)


def reason(error: BaseException) -> str:
    """Return the text of an error, without its class unless it has no text."""
    if isinstance(error, OSError):
        return str(error)
    return str(error.args[0]) if error.args else type(error).__name__


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
