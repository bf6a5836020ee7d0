"""Only requests with the right host and the right credentials are accepted."""

import base64

import pytest
from starlette.datastructures import Headers

from pipeline.embedded.errors import EngineError
from pipeline.embedded.http.auth import Account, check_account, check_host

GUARDED = Account("bot", "s3cret")


def basic(user: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_without_a_password_everybody_is_let_in() -> None:
    check_account(Account(), {}, {})
    check_account(Account(), basic("anybody", "anything"), {})


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        (basic("bot", "s3cret"), {}),
        ({"x-clickhouse-user": "bot", "x-clickhouse-key": "s3cret"}, {}),
        ({}, {"user": "bot", "password": "s3cret"}),
    ],
)
def test_the_right_password_is_taken_however_it_comes(headers: dict[str, str], arguments: dict[str, str]) -> None:
    check_account(GUARDED, headers, arguments)


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        ({}, {}),
        (basic("bot", "wrong"), {}),
        (basic("default", "s3cret"), {}),
        ({"authorization": "Basic !"}, {}),
        ({"authorization": "Basic /w=="}, {}),
        ({"authorization": "Bearer s3cret"}, {}),
        ({"x-clickhouse-user": "bot"}, {}),
        ({"x-clickhouse-key": "s3cret"}, {}),
        ({}, {"user": "bot", "password": "sécret"}),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], arguments: dict[str, str]) -> None:
    with pytest.raises(EngineError) as refused:
        check_account(GUARDED, headers, arguments)
    assert (refused.value.code, refused.value.status) == (516, 403)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "127.0.0.1:8123", "sec-fetch-site": "none"},
        {"host": "127.0.0.1"},
        {"host": "LOCALHOST:8123", "sec-fetch-site": "same-origin"},
        {"host": "[::1]:8123", "origin": "http://[::1]:8123", "sec-fetch-site": "same-origin"},
        {"host": "turnfold.localhost:8123"},
        {"host": "clickhouse:8123"},
    ],
)
def test_tools_and_the_pages_of_this_very_server_are_served(headers: dict[str, str]) -> None:
    check_host(Headers(headers), ["clickhouse"])


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": ""},
        {"host": "rebound.example.org:8123"},
        {"host": "127.0.0.1.example.org:8123"},
        {"host": "localhost@example.org"},
        {"host": "10.0.0.5:8123"},
        {"host": "127.0.0.1:8123", "origin": "https://example.org"},
        {"host": "127.0.0.1:8123", "origin": "null"},
        {"host": "127.0.0.1:8123", "origin": "http://127.0.0.1:9999"},
        {"host": "127.0.0.1:8123", "sec-fetch-site": "cross-site"},
        {"host": "rebound.example.org:8123", "sec-fetch-site": "same-origin"},
        {"host": "rebound.example.org:8123", "origin": "http://rebound.example.org:8123"},
    ],
)
def test_a_page_from_elsewhere_reaches_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(EngineError) as refused:
        check_host(Headers(headers), ["clickhouse"])
    assert (refused.value.code, refused.value.status) == (497, 403)


def test_a_second_host_does_not_smuggle_the_first() -> None:
    raw = [(b"host", b"127.0.0.1:8123"), (b"host", b"rebound.example.org")]
    with pytest.raises(EngineError):
        check_host(Headers(raw=raw))


def test_who_listens_on_all_addresses_is_asked_under_any_but_not_under_any_name() -> None:
    check_host(Headers({"host": "10.0.0.5:8123"}), ["0.0.0.0"])  # noqa: S104 - listens nowhere
    with pytest.raises(EngineError):
        check_host(Headers({"host": "rebound.example.org:8123"}), ["0.0.0.0"])  # noqa: S104 - listens nowhere
