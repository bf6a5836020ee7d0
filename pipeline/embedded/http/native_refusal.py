"""Refuse clients of ClickHouse's native protocol in words that they show, instead of HTTP's that they cannot read."""

from typing import Any

from pipeline.embedded.errors import ClickHouseCode
from pipeline.http.disconnects import DisconnectProtocol

HELLO, EXCEPTION = 0, 2
"""The first packet of a client, and the one of a server that tells an error (src/Core/Protocol.h)."""
SENTENCE = (
    "This is the HTTP interface, and the embedded ClickHouse has no other: use a client over HTTP, or "
    "curl, clickhouse-connect, JDBC, or clickhouse-go with Protocol: clickhouse.HTTP"
)


class WithoutNative(DisconnectProtocol):
    """HTTP's protocol, which knows the first byte of the other: no request of HTTP begins with it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._first = True

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        first, self._first = self._first, False
        if first and data[:1] == bytes([HELLO]):
            self.transport.write(refusal())
            self.transport.close()
            return
        super().data_received(data)


def refusal() -> bytes:
    """A packet with the sentence: code, name, text, an empty stack trace, and no cause."""
    texts = (b"DB::Exception", f"DB::Exception: {SENTENCE}".encode(), b"")
    written = b"".join(_length(len(text)) + text for text in texts)
    return bytes([EXCEPTION]) + int(ClickHouseCode.NOT_IMPLEMENTED).to_bytes(4, "little") + written + b"\x00"


def _length(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])
