"""Every response has the security headers; TLS works for AWS's SDKs too."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import boto3
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.http.server import config as server
from pipeline.runtime.sockets import free_port
from tests.certificates import Certificates
from tests.pipeline.http.raw import GET, Site, raw
from tests.pipeline.http.serving import SESSIONS, Client, client, serving

HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
}


@pytest.fixture
def away() -> Iterator[str]:
    """A query layer whose ClickHouse is not there."""
    with serving(create_app(Settings(clickhouse=f"http://127.0.0.1:{free_port()}"))) as url:
        yield url


def test_every_answer_of_the_application_has_them(with_tables: Settings, away: str) -> None:
    with serving(create_app(with_tables)) as url, client(url) as ask, client(away) as ask_away:
        answers = [
            ask.sessions(),
            ask.sessions(maxResults=0),
            ask.ask("GET", "/nowhere"),
            ask.ask("DELETE", SESSIONS),
            ask.ask("GET", "/openapi.json"),
            ask.ask("GET", "/healthz"),
            ask.ask("GET", "/healthz", headers={"Host": "elsewhere.example"}),
            ask.ask("GET", "/readyz", headers={"Host": "elsewhere.example"}),
            ask_away.ask("GET", "/readyz"),
            ask_away.sessions(),
        ]
    assert [answer.status for answer in answers] == [200, 400, 404, 405, 200, 200, 200, 403, 503, 500]
    for answer in answers:
        assert HEADERS.items() <= answer.headers.items()
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "status"),
    [(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", 200), (b"GET /" + b"x" * 40_000, 431), (b"\0\r\n\r\n", 400)],
)
def test_so_has_what_is_no_json_and_what_the_application_never_sees(away: str, sent: bytes, status: int) -> None:
    with raw(away) as connection:
        connection.send(sent)
        connection.socket.settimeout(5)
        text = connection.socket.recv(4096).decode().lower()
    assert f"http/1.1 {status} " in text
    for name, value in HEADERS.items():
        assert f"{name}: {value}\r\n" in text


def test_so_has_one_request_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MAX_CONNECTIONS", 1)
    with serving(create_app(Settings())) as url, raw(url) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = connection.rest().decode().lower()
    assert "http/1.1 503 " in text
    for name, value in HEADERS.items():
        assert f"{name}: {value}\r\n" in text


def test_responses_over_tls_have_strict_transport_security(pem: Certificates) -> None:
    settings = Settings(api_certificate=str(pem.server))
    with serving(create_app(settings), settings) as url:
        trusting = ssl.create_default_context(cafile=str(pem.ca))
        connection = HTTPSConnection(urlsplit(url).netloc, context=trusting, timeout=30)
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        assert answer.read() == b'{"status":"alive"}'
        connection.close()
    assert answer.headers["strict-transport-security"] == "max-age=31536000"


def test_without_origins_no_page_may_read_anything(ask: Client) -> None:
    """A browser asks before it sends JSON or a key, and is not allowed to."""
    page = {"Origin": "https://page.example"}
    asking_first = {**page, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    answers = [
        ask.ask("OPTIONS", SESSIONS, headers=asking_first),
        ask.ask("OPTIONS", "/healthz", headers=asking_first),
        ask.ask("GET", "/healthz", headers=page),
        ask.ask("POST", SESSIONS, b"{}", page),
    ]
    assert [answer.status for answer in answers] == [405, 405, 200, 400]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]


WINDOW = {"startDateTime": datetime(2025, 1, 1, tzinfo=UTC), "endDateTime": datetime(2027, 1, 1, tzinfo=UTC)}


@pytest.fixture
def tls_url(pem: Certificates) -> Iterator[str]:
    """With key and certificate in files of their own."""
    folder = pem.server.parent
    certificate, key = str(folder / "server.crt"), str(folder / "server.key")
    with serving(Site().app, Settings(api_certificate=certificate, api_certificate_key=key)) as address:
        yield address


def models(tls_url: str, authorities: object) -> Any:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    config = Config(retries={"max_attempts": 0})
    return boto3.client(
        "lexv2-models", endpoint_url=tls_url, region_name="us-east-1", verify=str(authorities), config=config, **keys
    )


def test_sdks_are_answered_where_they_trust_the_certificate(with_tables: Settings, pem: Certificates) -> None:
    settings = msgspec.structs.replace(with_tables, api_certificate=str(pem.server))
    with serving(create_app(settings), settings) as tls_url:
        asked = {"botId": "BOTAAAAAA1", **WINDOW}
        assert models(tls_url, pem.ca).list_session_analytics_data(**asked)["sessions"] == []
        with pytest.raises(SSLError):
            models(tls_url, pem.strangers).list_session_analytics_data(**asked)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_that_are_safe_are_spoken(
    tls_url: str, pem: Certificates, version: ssl.TLSVersion
) -> None:
    tls = ssl.create_default_context(cafile=str(pem.ca))
    tls.minimum_version = tls.maximum_version = version
    with raw(tls_url, tls=tls) as connection:
        for _ in range(3):
            connection.send(GET)
            assert connection.answer().status == 200


def test_a_client_without_tls_gets_no_response(tls_url: str, pem: Certificates) -> None:
    with raw(tls_url) as connection:
        connection.send(GET)
        assert b"HTTP" not in connection.rest()
    with raw(tls_url, tls=ssl.create_default_context(cafile=str(pem.ca))) as connection:
        connection.send(b"GET /" + b"x" * 40_000)
        assert connection.answer().status == 431
