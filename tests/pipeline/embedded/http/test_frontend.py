"""The embedded ClickHouse answers HTTP requests as a server does."""

import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from pipeline.embedded.format_headings import HEADING_ENDS
from tests.services import Answer, ask

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)"
RUNNING = "SELECT countIf(query LIKE {like:String} AND query NOT LIKE '%processes%') FROM system.processes"


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("path", ["/", "/ping", "/replicas_status"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_probes_are_answered_in_a_servers_words(clickhouse_url: str, path: str, method: str) -> None:
    answer = ask(clickhouse_url, path=path, method=method)
    assert (answer.status, answer.body) == (200, b"" if method == "HEAD" else b"Ok.\n")


@pytest.mark.parametrize("path", ["/", "/ping", "/replicas_status", "/?query=SELECT+1"])
def test_a_page_whose_name_was_rebound_is_not_answered(clickhouse_url: str, path: str) -> None:
    port = urlsplit(clickhouse_url).port
    answer = ask(clickhouse_url, path=path, headers={"Host": f"rebound.example.org:{port}"})
    assert (answer.status, answer.code) == (403, 497)


def test_an_answer_says_what_it_is_in_a_servers_headers(at: Callable[..., Answer]) -> None:
    at("INSERT INTO t SELECT number, 'x' FROM numbers(5)")
    answer = at("SELECT a FROM t WHERE a < 3", default_format="JSONEachRow", query_id="mine")
    assert answer.text.splitlines()[0] == '{"a":0}'
    assert answer.headers["x-clickhouse-format"] == "JSONEachRow"
    assert answer.headers["x-clickhouse-query-id"] == "mine"
    assert answer.headers["x-clickhouse-timezone"] == at("SELECT timezone()").text.strip()
    assert answer.headers["x-clickhouse-server-display-name"] == "turnfold"
    assert answer.headers["content-type"] == "application/x-ndjson; charset=UTF-8"
    summary = json.loads(answer.headers["x-clickhouse-summary"])
    assert (summary["read_rows"], summary["result_rows"], summary["written_rows"]) == ("5", "3", "0")
    assert int(summary["elapsed_ns"]) > 0


@pytest.mark.parametrize("query_id", ["a\r\nX-Injected: 1", "é", " ", ""])
def test_a_query_id_that_fits_no_header_is_replaced(clickhouse_url: str, query_id: str) -> None:
    answer = ask(clickhouse_url, "SELECT 1", query_id=query_id)
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-clickhouse-query-id"])
    assert "x-injected" not in answer.headers


@pytest.mark.parametrize(
    ("sql", "code", "status"),
    [
        ("SELECT * FROM nowhere", 60, 404),
        ("SELECT * FROM nowhere.nothing", 81, 404),
        ("SELECT nothing", 47, 404),
        ("SELECT 1 FORMAT Nothing", 73, 404),
        ("SELEC 1", 62, 400),
        ("1 + 1", 62, 400),
        ("", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT toInt32('x')", 6, 400),
        ("SELECT throwIf(1)", 395, 500),
        ("SELECT {a:String}", 456, 500),
        ("CREATE USER me", 497, 403),
        ("SELECT 1 INTO OUTFILE 'here'", 48, 501),
        ("INSERT INTO nowhere FORMAT CSV\n1", 60, 404),
    ],
)
def test_an_error_has_a_servers_code_status_and_words(clickhouse_url: str, sql: str, code: int, status: int) -> None:
    answer = ask(clickhouse_url, sql)
    assert (answer.code, answer.status) == (code, status)
    words = rf"Code: {code}\. DB::Exception: [^\n]+ \([A-Z_]+\)( \(version [\d.]+\))?\n"
    assert re.fullmatch(words, answer.body.decode()), answer.body.decode()
    assert answer.body.count(b"Code:") == 1


def test_a_page_from_elsewhere_is_refused(clickhouse_url: str) -> None:
    assert ask(clickhouse_url, "SELECT 1", headers={"Origin": "https://example.org"}).status == 403


def test_a_statement_that_takes_too_long_is_ended(clickhouse_url: str) -> None:
    answer = ask(clickhouse_url, ENDLESS, max_execution_time="0.2")
    assert (answer.code, answer.status) == (159, 408)


@pytest.mark.parametrize("behind", [b"", b"GET /ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"])
def test_a_query_whose_client_goes_away_is_ended(clickhouse_url: str, behind: bytes) -> None:
    """Also where another request waits behind it."""

    def running() -> str:
        return ask(clickhouse_url, RUNNING, param_like="%deserted%").text

    address = urlsplit(clickhouse_url)
    sql = f"{ENDLESS} /* deserted */".encode()
    with socket.create_connection((address.hostname or "", address.port or 0)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(sql) + sql + behind)
        until(lambda: running() == "1\n")
    until(lambda: running() == "0\n")


def test_two_long_queries_overlap(clickhouse_url: str) -> None:
    sql = f"{ENDLESS} /* overlapping */"
    with ThreadPoolExecutor(2) as clients:
        both = [clients.submit(ask, clickhouse_url, sql) for _ in range(2)]
        until(lambda: ask(clickhouse_url, RUNNING, param_like="%overlapping%").text == "2\n")
        assert not any(one.done() for one in both)
        ask(clickhouse_url, "KILL QUERY WHERE query LIKE '%overlapping%' AND query NOT LIKE '%KILL%' SYNC")
        assert [one.result().code for one in both] == [394, 394]


def test_twenty_clients_at_once_are_all_answered(clickhouse_url: str) -> None:
    def sleeper(n: int) -> str:
        return ask(clickhouse_url, f"SELECT {n} + sleep(0.1)").text

    with ThreadPoolExecutor(20) as clients:
        assert list(clients.map(sleeper, range(20))) == [f"{n}\n" for n in range(20)]


def test_a_statement_ends_by_the_id_that_its_client_gave(clickhouse_url: str) -> None:
    with ThreadPoolExecutor(9) as clients:
        hanging = [clients.submit(ask, clickhouse_url, ENDLESS, query_id=f"mine-{n}") for n in range(9)]
        like = {"param_like": "%1000000000000%"}

        def running() -> int:
            own = {"User-Agent": "turnfold test"}
            return int(ask(clickhouse_url, query=RUNNING, headers=own, url_parameters=like).text)

        until(lambda: running() == 5)  # as many as there are handles for others
        killed = ask(clickhouse_url, "KILL QUERY WHERE query_id = 'mine-nobodys' SYNC")
        assert killed.text == ""
        until(lambda: ended(clickhouse_url, hanging, "mine-"))
        assert {one.result().code for one in hanging} <= {394, 202}


def ended(url: str, hanging: list[Future[Answer]], prefix: str) -> bool:
    ask(url, f"KILL QUERY WHERE query_id LIKE '{prefix}%' SYNC")
    return all(one.done() for one in hanging)


@pytest.mark.parametrize("sql", ["SET max_threads = 1", "USE default", "CREATE TEMPORARY TABLE s (a UInt8)"])
def test_what_needs_a_session_is_refused_in_words(clickhouse_url: str, sql: str) -> None:
    refused = ask(clickhouse_url, sql, session_id="mine")
    assert (refused.status, refused.code) == (501, 48)
    assert b"has no sessions: send settings" in refused.body
    assert ask(clickhouse_url, "SELECT 1", session_id="mine").text == "1\n"


@pytest.mark.parametrize("form", sorted(HEADING_ENDS))
def test_a_heading_is_written_once(clickhouse_url: str, form: str) -> None:
    selected = 'SELECT number AS "a\n""", toString(number) AS s'
    pieces, whole = (
        ask(clickhouse_url, f"{selected} FROM numbers(300000)", default_format=form, max_block_size=size).body
        for size in (10_000, 10**6)
    )
    none = ask(clickhouse_url, f"{selected} FROM numbers(0)", default_format=form).body
    assert pieces == whole
    assert none
    assert whole.startswith(none)
    assert none[4:] not in whole[len(none) :]


@pytest.mark.parametrize("form", ["TabSeparated", "JSONEachRow", "RowBinary"])
def test_a_long_result_comes_whole(clickhouse_url: str, form: str) -> None:
    answer = ask(clickhouse_url, "SELECT number FROM numbers(1000000)", default_format=form)
    assert "content-length" not in answer.headers
    whole = {"TabSeparated": 6_888_890, "JSONEachRow": 17_888_890, "RowBinary": 8_000_000}
    assert len(answer.body) == whole[form]


def test_a_result_that_must_be_whole_in_memory_is_bounded(clickhouse_url: str) -> None:
    asked = "SELECT repeat(toString(number % 10), 1000) FROM numbers(80000)"
    refused = ask(clickhouse_url, asked, default_format="JSON")
    assert refused.code == 396
    assert b"Limit for result exceeded, max bytes: 64.00 MiB" in refused.body
    assert len(ask(clickhouse_url, asked).body) == 80_000 * 1_001


def test_an_answer_that_breaks_off_says_why_and_closes(clickhouse_url: str) -> None:
    url = urlsplit(clickhouse_url)
    sql = "SELECT throwIf(number = 900000) FROM numbers(1000000) SETTINGS max_block_size = 65536"
    with socket.create_connection((url.hostname, url.port), timeout=60) as connection:
        head = f"POST / HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Length: {len(sql)}\r\n\r\n"
        connection.sendall(head.encode() + sql.encode())
        received = b""
        while piece := connection.recv(2**16):
            received += piece
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert b"Code: 395. DB::Exception: " in received
    assert not received.endswith(b"0\r\n\r\n")


def test_an_insert_from_input_is_refused_and_loses_nothing_in_silence(at: Callable[..., Answer]) -> None:
    answer = at("INSERT INTO t SELECT a, 'x' FROM input('a UInt8') FORMAT CSV\n1\n")
    assert (answer.status, answer.code) == (501, 48)
    assert "external table" in answer.body.decode()
