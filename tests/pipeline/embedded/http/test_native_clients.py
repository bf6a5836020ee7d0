"""clickhouse-client and clickhouse-driver are told what this is, in a packet that they read."""

import socket
from urllib.parse import urlsplit

import pytest

from pipeline.embedded.http.native_clients import handshake_block, is_handshake
from tests.services import ask

HELLO = b"\x00\x11ClickHouse client\x14\x03\xb5\xa9\x03\x00\x07default\x00"


def test_a_client_of_the_native_protocol_is_told_in_its_own(clickhouse_url: str) -> None:
    url = urlsplit(clickhouse_url)
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        connection.sendall(HELLO)
        with connection.makefile("rb") as received:
            assert received.read(5) == b"\x02\x30\x00\x00\x00"
            assert received.read(1 + 13) == b"\x0dDB::Exception"
            low, high = received.read(2)
            text = received.read(low - 0x80 + 0x80 * high).decode()
            assert received.read() == b"\x00\x00"
    assert text.startswith("DB::Exception: The embedded ClickHouse has only the HTTP interface")
    assert ask(clickhouse_url, "SELECT 1").text == "1\n"


STATEMENT = b"SELECT displayName(), version(), revision(), timezone()"
RECENT = {"client_protocol_version": "54460"}


@pytest.mark.parametrize("sql", [STATEMENT, STATEMENT.lower(), b"  " + STATEMENT + b" ;\n"])
def test_the_handshake_is_recognised(sql: bytes) -> None:
    assert is_handshake(sql, RECENT, "Native")


@pytest.mark.parametrize(
    ("sql", "arguments", "output_format"),
    [
        (STATEMENT + b", 1", RECENT, "Native"),
        (b"SELECT version()", RECENT, "Native"),
        (STATEMENT, RECENT, "TabSeparated"),
        (STATEMENT, {}, "Native"),
        (STATEMENT, {"client_protocol_version": "54453"}, "Native"),
        (STATEMENT, {"client_protocol_version": "recent"}, "Native"),
        (STATEMENT, {"client_protocol_version": "\u0665\u0664\u0664\u0666\u0660"}, "Native"),
    ],
)
def test_any_other_statement_goes_to_the_engine(sql: bytes, arguments: dict[str, str], output_format: str) -> None:
    assert not is_handshake(sql, arguments, output_format)


def test_the_block_names_the_server_and_revision_0() -> None:
    block = handshake_block("turnfold", "26.9.2.1", "UTC")
    assert block == (
        b"\x01\x00\x02\xff\xff\xff\xff\x00"
        b"\x04\x01"
        b"\x0ddisplayName()\x06String\x00\x08turnfold"
        b"\x09version()\x06String\x00\x0826.9.2.1"
        b"\x0arevision()\x06UInt32\x00\x00\x00\x00\x00"
        b"\x0atimezone()\x06String\x00\x03UTC"
    )
