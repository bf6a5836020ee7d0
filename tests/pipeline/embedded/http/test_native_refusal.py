"""clickhouse-client and clickhouse-driver are told what this is, in a packet that they read."""

import socket
from urllib.parse import urlsplit

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
