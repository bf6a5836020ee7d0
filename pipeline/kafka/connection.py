"""Share what all clients of Kafka need to connect, and detect at once that Kafka is away."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError, UsageError

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
