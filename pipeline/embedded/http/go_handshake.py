"""Answer the first statement of clickhouse-go, which decides the revision of format Native for all further results.

Since version 2.40, clickhouse-go sends `client_protocol_version=54460` over HTTP. It reads the result of its first
statement in that revision, and all others in the revision that the result names. The engine writes only revision 0. So
the first result is written here, in the revision that the client expects, and names revision 0.
"""

import re
from collections.abc import Mapping

CUSTOM_SERIALIZATION = 54454
"""Since this revision a byte before each column says whether it has a custom serialization."""
_HANDSHAKE = re.compile(rb"(?i)\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*")
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""No overflow row, no bucket (src/Core/BlockInfo.h)."""


def is_handshake(sql: bytes, arguments: Mapping[str, str], output_format: str) -> bool:
    """Return whether a statement is that handshake, with a result in the client's revision."""
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


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data  # these texts are short: a length up to 127 is one byte
