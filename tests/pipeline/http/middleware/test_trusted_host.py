"""Without keys, a server on loopback answers only requests whose Host header names it."""

from collections.abc import Iterator

import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.http.middleware.trusted_host import trusted_host
from tests.pipeline.http.raw import raw
from tests.pipeline.http.serving import SESSIONS, Client, assert_failed, client, serving

OWN = [
    "localhost", "localhost:8080", "LocalHost", "localhost.", "console.localhost:1", "127.0.0.1", "127.0.0.1:8080",
    "127.1.2.3", "[::1]", "[::1]:8080", "Turnfold.Internal", "turnfold.internal:443",
]  # fmt: skip
OTHERS = [
    "0.0.0.0",  # noqa: S104 - nothing is bound here
    "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example",
    "notlocalhost", "10.0.0.1", "[::2]", "[::ffff:10.0.0.1]", "2130706433", "127.1", "", ":8080", "[::1",
    "evil.example#localhost", "evil.example/localhost", "turnfold.internal.evil.example", "localhost:80:80",
]  # fmt: skip


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(create_app(Settings(api_host="turnfold.internal", clickhouse="http://127.0.0.1:1"))) as address:
        yield address


@pytest.fixture
def ask(url: str) -> Iterator[Client]:
    with client(url) as opened:
        yield opened


@pytest.mark.parametrize("host", OWN)
def test_its_own_names_are_answered(ask: Client, host: str) -> None:
    assert ask.ask("GET", "/openapi.json", headers={"Host": host}).status == 200


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize(("method", "path"), [("POST", SESSIONS), ("GET", "/openapi.json"), ("GET", "/metrics")])
def test_other_hosts_are_refused_with_a_reason(ask: Client, host: str, method: str, path: str) -> None:
    answer = ask.ask(method, path, b"{}" if method == "POST" else None, {"Host": host})
    assert_failed(answer, 403, "AccessDeniedException", "without TURNFOLD_API_KEYS only requests to localhost")
    assert answer.body["message"].endswith(f"not to {host!r}")


def test_all_may_see_that_it_is_alive(ask: Client) -> None:
    assert ask.ask("GET", "/healthz", headers={"Host": "evil.example"}).status == 200


def test_with_keys_any_host_is_accepted() -> None:
    assert trusted_host(Settings(api_keys="keys.json")) == []


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
def test_exactly_one_host_header_is_required(url: str, hosts: bytes) -> None:
    with raw(url) as connection:
        connection.send(b"GET /openapi.json HTTP/1.1\r\n" + hosts + b"\r\n")
        assert_failed(connection.answer(), 403, "AccessDeniedException")


def test_a_long_name_is_not_repeated_in_full(ask: Client) -> None:
    assert len(ask.ask("GET", "/readyz", headers={"Host": "x" * 20_000}).body["message"]) < 400
