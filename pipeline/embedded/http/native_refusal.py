"""Refuse clients of ClickHouse's native protocol with an error that they display: they cannot read HTTP's."""

from typing import Any

from pipeline.embedded.errors import ClickHouseCode
from pipeline.http.disconnects import DisconnectProtocol

HELLO, EXCEPTION = 0, 2
"""Types of packets: the first one of a client, and an error of the server (src/Core/Protocol.h)."""
MESSAGE = (
    "The embedded ClickHouse has only the HTTP interface: use a client over HTTP, such as curl, clickhouse-connect, "
    "JDBC, or clickhouse-go with Protocol: clickhouse.HTTP"
)


class NativeRefusingProtocol(DisconnectProtocol):
    """The HTTP protocol; it recognises the native protocol by its first byte, with which no HTTP request begins."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._first = True

    def data_received(self, data: bytes) -> None:
        """Handle received bytes."""
        first, self._first = self._first, False
        if first and data[:1] == bytes([HELLO]):
            self.transport.write(refusal_packet())
            self.transport.close()
            return
        super().data_received(data)


def refusal_packet() -> bytes:
    """Return an error packet: code, name, text, an empty stack trace, and no cause."""
    texts = (b"DB::Exception", f"DB::Exception: {MESSAGE}".encode(), b"")
    encoded = b"".join(_length(len(text)) + text for text in texts)
    return bytes([EXCEPTION]) + int(ClickHouseCode.NOT_IMPLEMENTED).to_bytes(4, "little") + encoded + b"\x00"


def _length(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
