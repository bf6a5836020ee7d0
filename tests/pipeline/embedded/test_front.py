import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

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
