"""Answer the first question of clickhouse-go, which decides in which revision of format Native it reads all others.

Since 2.40 it sends `client_protocol_version=54460` over HTTP, and reads the answer to its first statement in that
revision and all others in the one that this answer names. The engine writes revision 0 and can be told no other. So the
first answer is made here, in the revision that is expected, and names 0.
"""

import re
from collections.abc import Mapping

CUSTOM_SERIALIZATION = 54454
"""From this revision on a byte before each column says whether it is written in a way of its own."""
_HELLO = re.compile(rb"(?i)\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*")
_BLOCK_INFO = b"\x01\x00\x02\xff\xff\xff\xff\x00"
"""No overflow row, no bucket (src/Core/BlockInfo.h)."""


def asks_for_revision(sql: bytes, arguments: Mapping[str, str], output_format: str) -> bool:
    """Whether this is that statement, and its answer is to be read in the client's revision."""
    told = arguments.get("client_protocol_version", "")
    revised = told.isascii() and told.isdigit() and int(told) >= CUSTOM_SERIALIZATION
    return revised and output_format == "Native" and _HELLO.fullmatch(sql) is not None


def hello(name: str, version: str, timezone: str) -> bytes:
    """A block of one row that names revision 0."""
    columns = (
        ("displayName()", "String", _text(name)),
        ("version()", "String", _text(version)),
        ("revision()", "UInt32", bytes(4)),
        ("timezone()", "String", _text(timezone)),
    )
    written = (_text(column) + _text(kind) + b"\x00" + value for column, kind, value in columns)
    return _BLOCK_INFO + bytes([len(columns), 1]) + b"".join(written)


def _text(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data  # a length of up to 127 is one byte, and these are short
