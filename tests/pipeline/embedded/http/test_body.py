"""Bodies are read as a server reads them: statements, data of any format, and forms."""

import asyncio
import gzip
import json
import socket
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import lz4.frame  # type: ignore[import-untyped] # it carries no types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message
from urllib3.filepost import encode_multipart_formdata

from pipeline.embedded.errors import EngineError
from pipeline.embedded.http import body
from pipeline.embedded.http.body import Form, is_form, read_form
from tests.services import Answer, ask

FIELD = b'Content-Disposition: form-data; name="a"'
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8")) | st.binary()))
def test_what_a_client_encodes_is_what_is_read(parts: dict[str, str | bytes]) -> None:
    fields = {name: value for name, value in parts.items() if isinstance(value, str)}
    files = {name: value for name, value in parts.items() if isinstance(value, bytes)}
    sent = {name: (f"{name}.tsv", value) if name in files else value for name, value in parts.items()}
    data, content_type = encode_multipart_formdata(sent, boundary="cd39f2ab17e04c5d")
    assert is_form(content_type)
    assert read_form(data, content_type) == Form(fields, files)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_any_other_body_is_a_statement(content_type: str) -> None:
    assert not is_form(content_type)


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n" + FIELD + b"\r\n\r\n1", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\n" + FIELD + b"\r\n\r\n\xff\r\n--x--", 'multipart/form-data; boundary="x"'),
    ],
)  # fmt: skip
def test_a_broken_form_is_refused_and_says_so(data: bytes, content_type: str) -> None:
    with pytest.raises(EngineError, match="The form cannot be read: ") as refused:
        read_form(data, content_type)
    assert refused.value.code == 36


@pytest.mark.parametrize("in_url", [True, False])
@pytest.mark.parametrize("separator", ["\n", " ", "\r\n"])
def test_the_data_of_an_insert_may_follow_it_anywhere(
    at: Callable[..., Answer], separator: str, *, in_url: bool
) -> None:
    head = "INSERT INTO t (a, s) FORMAT JSONEachRow"
    data = '{"a":1,"s":"x;y"}\n{"a":2,"s":"FORMAT CSV"}'
    answer = at(data, query=head) if in_url else at(head + separator + data)
    assert answer.text == ""
    assert json.loads(answer.headers["x-clickhouse-summary"])["written_rows"] == "2"
    assert at("SELECT * FROM t ORDER BY a").text == "1\tx;y\n2\tFORMAT CSV\n"


@pytest.mark.parametrize("last", [b"\n", b";", b" ", b"\0", b";\n", b"\xff", b"'"])
def test_binary_data_arrive_byte_for_byte(at: Callable[..., Answer], last: bytes) -> None:
    row = (1).to_bytes(8, "little") + bytes([len(last) + 1]) + b"q" + last
    assert at(row, query="INSERT INTO t FORMAT RowBinary").text == ""
    assert at("SELECT hex(s) FROM t").text == f"71{last.hex().upper()}\n"


def test_values_may_be_many_or_hold_bound_parameters_and_expressions(at: Callable[..., Answer]) -> None:
    rows = ", ".join(f"({n}, 'it''s; {n}')" for n in range(20_000))
    assert len(rows) > 2**18
    assert at(rows + ";", query="INSERT INTO t VALUES").text == ""
    one = "INSERT INTO t (s, a) VALUES (upper({s:String}), {a:UInt64})"
    assert at(one, param_a=99999, param_s="x;'").text == ""
    assert at("SELECT count(), max(a), argMax(s, a) FROM t").text == "20001\t99999\tX;\\'\n"


def test_an_insert_may_bring_its_own_settings(at: Callable[..., Answer]) -> None:
    head = "INSERT INTO t SETTINGS input_format_allow_errors_num = 1 FORMAT JSONEachRow\n"
    assert at(head + '{"a":1}\n{"a":x}\n{"a":3}\n').text == ""
    assert at("SELECT count() FROM t").text == "2\n"


def test_an_insert_that_fails_halfway_says_so_and_writes_nothing(at: Callable[..., Answer]) -> None:
    assert at('INSERT INTO t FORMAT JSONEachRow\n{"a":1}\n{"a":').code == 32
    assert at("SELECT count() FROM t").text == "0\n"


@pytest.mark.parametrize("encoding", ["gzip", "lz4"])
@pytest.mark.parametrize("in_url", [True, False])
def test_a_compressed_body_is_the_same_body(at: Callable[..., Answer], encoding: str, *, in_url: bool) -> None:
    compress: Callable[[bytes], bytes] = gzip.compress if encoding == "gzip" else lz4.frame.compress
    head, data = "INSERT INTO t FORMAT CSV", b"".join(b'%d,"x"\n' % n for n in range(50_000))
    headers = {"Content-Encoding": encoding}
    if in_url:
        answer = at(compress(data), headers=headers, query=head)
    else:
        answer = at(compress(head.encode() + b"\n" + data), headers=headers)
    assert answer.text == ""
    assert at("SELECT count(), sum(a) FROM t").text == "50000\t1249975000\n"


def test_an_insert_without_a_length_arrives_whole(at: Callable[..., Answer]) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"INSERT INTO t FORMAT CSV\n"
        for n in range(300):
            yield b"".join(b'%d,"%s"\n' % (n * 100 + k, b"x" * 100) for k in range(100))

    assert at(chunks(), method="POST").text == ""
    assert at("SELECT count(), sum(a) FROM t").text == "30000\t449985000\n"


def test_a_statement_has_a_bound(clickhouse_url: str) -> None:
    answer = ask(clickhouse_url, "SELECT 1 --" + "x" * 2**23)
    assert (answer.status, answer.code) == (413, 229)


def test_a_body_that_stops_arriving_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def receive() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    async def read() -> None:
        async for _ in body.body_chunks(Request({"type": "http"}, receive)):
            pass

    monkeypatch.setattr(body, "READ_SECONDS", 0.01)
    with pytest.raises(EngineError, match=r"Nothing of the body arrived for 0\.01 seconds") as refused:
        asyncio.run(read())
    assert refused.value.code == 209


def test_an_insert_whose_client_goes_away_writes_nothing_and_holds_nothing(
    clickhouse_url: str, at: Callable[..., Answer]
) -> None:
    address = urlsplit(clickhouse_url)
    database = at("SELECT currentDatabase()").text.strip()
    head = f"POST /?database={database} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10000000\r\n\r\n"
    for _ in range(20):
        with socket.create_connection((address.hostname or "", address.port or 0)) as client:
            client.sendall(head.encode() + b"INSERT INTO t FORMAT CSV\n" + b'1,"x"\n' * 20_000)
    assert at("INSERT INTO t FORMAT CSV\n1,x").text == ""
    assert at("SELECT count() FROM t").text == "1\n"
