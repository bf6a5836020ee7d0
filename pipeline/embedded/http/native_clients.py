"""Answer clients that expect ClickHouse's native protocol, or its format Native in a recent revision.

Clients of the native protocol are refused with an error that they display: they cannot read HTTP's.

Since version 2.40, clickhouse-go sends `client_protocol_version=54460` over HTTP. It reads the result of its first
statement in that revision, and all others in the revision that the result names. The engine writes only revision 0. So
the first result is written here, in the revision that the client expects, and names revision 0.
"""

import re
from collections.abc import Mapping
from typing import Any

from pipeline.embedded.errors import ClickHouseCode
from pipeline.http.disconnects import DisconnectProtocol

HELLO, EXCEPTION = 0, 2
"""Types of packets: the first one of a client, and an error of the server (src/Core/Protocol.h)."""
MESSAGE = (
    "The embedded ClickHouse has only the HTTP interface: use a client over HTTP, such as curl, clickhouse-connect, "
    "JDBC, or clickhouse-go with Protocol: clickhouse.HTTP"
)
CUSTOM_SERIALIZATION = 54454
"""Since this revision a byte before each column says whether it has a custom serialization."""
_HANDSHAKE = re.compile(rb"(?i)\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*")
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""No overflow row, no bucket (src/Core/BlockInfo.h)."""


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


def is_handshake(sql: bytes, arguments: Mapping[str, str], output_format: str) -> bool:
    """Return whether a statement is the first one of clickhouse-go, with a result in the client's revision."""
    version = arguments.get("client_protocol_version", "")
    is_recent = version.isascii() and version.isdigit() and int(version) >= CUSTOM_SERIALIZATION
    return is_recent and output_format == "Native" and _HANDSHAKE.fullmatch(sql) is not None


def handshake_block(name: str, version: str, timezone: str) -> bytes:
    """Return the result of the handshake: a block with one row, which names revision 0."""
    columns = (
        ("displayName()", "String", _text(name)),
        ("version()", "String", _text(version)),
        ("revision()", "UInt32", bytes(4)),
        ("timezone()", "String", _text(timezone)),
    )
    encoded = (_text(column) + _text(kind) + b"\x00" + value for column, kind, value in columns)
    return _BLOCK_INFO + bytes([len(columns), 1]) + b"".join(encoded)


def _length(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data  # these texts are short: a length up to 127 is one byte
