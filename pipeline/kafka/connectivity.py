"""Kafka's addresses in, kafka-python's network out, which tells at once, and what, if Kafka does not let us in."""

import selectors
import socket
import ssl
from typing import Any

from kafka.errors import IllegalSaslStateError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from pipeline.runtime.errors import UsageError


class CertificateRefusedError(Exception):
    """Kafka demands a certificate of ours, and there is none, or not one that it trusts."""


REFUSALS = (
    CertificateRefusedError,
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
"""Certificate, user, password or mechanism are not what Kafka demands."""


def check_reachable(servers: tuple[str, ...], tls: ssl.SSLContext | None, patience: float) -> None:
    """Make sure that one of the servers takes connections: kafka-python would only tell that it has waited.

    Raises:
        OSError: the last server's trouble; ssl.SSLCertVerificationError where its certificate is not trusted.
        UsageError: one of the servers is no address.
    """
    if not servers:
        raise UsageError("TURNFOLD_KAFKA names no server; right would be host:port, as 127.0.0.1:9092")
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
        raise UsageError(f"TURNFOLD_KAFKA: {server!r} is no address; right would be host:port, as 127.0.0.1:9092")
    return host.removeprefix("[").removesuffix("]"), int(port)


def reason(error: BaseException) -> str:
    """What an error says, without its class where it says something of its own."""
    if isinstance(error, OSError):
        return str(error)
    return str(error.args[0]) if error.args else type(error).__name__


class NetworkClient(KafkaNetClient):  # type: ignore[misc]  # kafka-python carries no types
    """kafka-python's network, which remembers what went wrong last while it looked for Kafka."""

    def __init__(self, **configuration: Any) -> None:
        net = NetworkSelector(**{**configuration, "selector": _Sockets})
        self.search = _Search(net, **configuration)
        super().__init__(net, self.search)


class _Sockets(selectors.DefaultSelector):
    """Closes with itself the sockets that were waited for: kafka-python leaves some open, such as half a request's."""

    def __init__(self) -> None:
        super().__init__()
        self._open: set[Any] = set()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Wait for the socket too."""
        self._open = {opened for opened in self._open if opened.fileno() >= 0} | {fileobj}
        return super().register(fileobj, events, data)

    def close(self) -> None:
        """Wait for nothing any more."""
        super().close()
        for opened in self._open:
            opened.close()


class _Search(KafkaConnectionManager):  # type: ignore[misc]  # as above
    """Gives up at once where Kafka refuses us: left alone, it would try the same password until its time is up."""

    def __init__(self, net: NetworkSelector, **configuration: Any) -> None:
        super().__init__(net, **configuration)
        self.trouble = ""
        self._refusal: BaseException | None = None

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        if self._refusal and not self.bootstrapped:
            raise self._refusal
        connection = super().get_connection(*arguments, **options)
        if not self.bootstrapped and not connection.init_future.is_done:
            connection.init_future.add_errback(self._failed)
        return connection

    def _failed(self, error: BaseException) -> None:
        self.trouble = reason(error)  # the error itself would keep its connection's socket open
        if isinstance(error, REFUSALS):
            self._refusal = type(error)(*error.args)
        elif "alert" in self.trouble and "certificate" in self.trouble:  # the server's was fine: we have knocked
            self._refusal = CertificateRefusedError(self.trouble)

    async def _build_transport(self, *arguments: Any, **options: Any) -> Any:
        """A transport that does not lose what comes with the end of the stream: there Kafka says why it refuses us."""
        transport = await super()._build_transport(*arguments, **options)
        receive = transport._sock_recv  # noqa: SLF001 - kafka-python drops them, and has no hook

        def received() -> tuple[bytes, BaseException | None]:
            data, error = receive()
            return data, None if data else error  # the error is met again when there are no more data

        transport._sock_recv = received  # noqa: SLF001 - as above
        return transport
