"""Detect at once that Kafka refuses the connection, where kafka-python would only time out."""

import selectors
from typing import Any

from kafka.errors import IllegalSaslStateError, SaslAuthenticationFailedError, UnsupportedSaslMechanismError
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from pipeline.kafka.client.connection import reason


class CertificateRefusedError(Exception):
    """Kafka requires a client certificate, and there is none, or not one that it trusts."""


REFUSALS = (
    CertificateRefusedError,
    IllegalSaslStateError,
    SaslAuthenticationFailedError,
    UnsupportedSaslMechanismError,
)
"""Kafka refuses the certificate, the user, the password or the mechanism."""


class NetworkClient(KafkaNetClient):  # type: ignore[misc]  # kafka-python carries no types
    """kafka-python's network, which keeps the last error that it met while it looked for Kafka."""

    def __init__(self, **configuration: Any) -> None:
        net = NetworkSelector(**{**configuration, "selector": _Selector})
        self.connections = _ConnectionManager(net, **configuration)
        super().__init__(net, self.connections)


class _Selector(selectors.DefaultSelector):
    """Closes the registered sockets with itself: kafka-python leaves some open, such as that of half a request."""

    def __init__(self) -> None:
        super().__init__()
        self._sockets: set[Any] = set()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """Register the socket, and remember it."""
        self._sockets = {opened for opened in self._sockets if opened.fileno() >= 0} | {fileobj}
        return super().register(fileobj, events, data)

    def close(self) -> None:
        """Close the selector and all sockets."""
        super().close()
        for opened in self._sockets:
            opened.close()


class _ConnectionManager(KafkaConnectionManager):  # type: ignore[misc]  # as above
    """Stops at once when Kafka refuses us; kafka-python would retry the same password until its time is up."""

    def __init__(self, net: NetworkSelector, **configuration: Any) -> None:
        super().__init__(net, **configuration)
        self.last_error = ""
        self._refusal: BaseException | None = None

    def get_connection(self, *arguments: Any, **options: Any) -> Any:
        if self._refusal and not self.bootstrapped:
            raise self._refusal
        connection = super().get_connection(*arguments, **options)
        if not self.bootstrapped and not connection.init_future.is_done:
            connection.init_future.add_errback(self._failed)
        return connection

    def _failed(self, error: BaseException) -> None:
        self.last_error = reason(error)  # the error itself would keep its socket open
        if isinstance(error, REFUSALS):
            self._refusal = type(error)(*error.args)
        elif "alert" in self.last_error and "certificate" in self.last_error:  # ours: the server's was checked before
            self._refusal = CertificateRefusedError(self.last_error)

    async def _build_transport(self, *arguments: Any, **options: Any) -> Any:
        """Build a transport that keeps data received with the end of the stream: there Kafka says why it refuses."""
        transport = await super()._build_transport(*arguments, **options)
        receive = transport._sock_recv  # noqa: SLF001 - kafka-python drops them, and has no hook

        def received() -> tuple[bytes, BaseException | None]:
            data, error = receive()
            return data, None if data else error  # the error comes again once no data are left

        transport._sock_recv = received  # noqa: SLF001 - as above
        return transport
