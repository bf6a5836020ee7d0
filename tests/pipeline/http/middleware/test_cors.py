"""Pages of other origins read responses only if a setting names the origin, and only with allowed requests."""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from tests.pipeline.http.serving import SESSIONS, Client, client, serving

OURS, OTHERS = "https://console.example.com", "https://console.example.com.evil.example"


@pytest.fixture
def url(clickhouse_settings: Settings) -> Iterator[str]:
    """A query layer without tables, so that every question is answered with an error."""
    open_to = msgspec.structs.replace(clickhouse_settings, api_origins=(OURS, "http://localhost:3000"))
    with serving(create_app(open_to)) as address:
        yield address


@pytest.fixture
def page(url: str) -> Iterator[Client]:
    with client(url) as opened:
        yield opened


def preflight(url: str, origin: str, method: str, headers: str, **more: str) -> HTTPResponse:
    """What a browser asks before it sends the request itself."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
    asked = {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}
    asked |= {name.replace("_", "-"): value for name, value in more.items()}
    connection.request("OPTIONS", SESSIONS, headers=asked)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


SDK = (
    "amz-sdk-invocation-id,amz-sdk-request,authorization,content-type,"
    "x-amz-content-sha256,x-amz-date,x-amz-security-token,x-amz-user-agent"
)


@pytest.mark.parametrize("origin", [OURS, "http://localhost:3000"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_of_ours_may_send_what_sdks_send(url: str, origin: str, method: str) -> None:
    answer = preflight(url, origin, method, SDK, access_control_request_private_network="true")
    assert answer.status == 200
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert answer.headers["access-control-allow-origin"] == origin
    assert set(SDK.split(",")) <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [(OTHERS, "POST", SDK), ("null", "POST", SDK), (OURS, "DELETE", SDK), (OURS, "POST", "x-anything")],
)
def test_what_may_not_be_sent_is_not_allowed(url: str, origin: str, method: str, headers: str) -> None:
    answer = preflight(url, origin, method, headers)
    assert answer.status == 400
    assert ("access-control-allow-origin" in answer.headers) == (origin == OURS)


def test_a_page_of_ours_reads_errors_too_and_which_they_are(page: Client) -> None:
    for answer in (
        page.ask("GET", "/nowhere", headers={"Origin": OURS}),
        page.ask("POST", SESSIONS, b"{}", {"Origin": OURS}),
        page.ask("GET", "/readyz", headers={"Origin": OURS}),
        page.ask("GET", "/readyz", headers={"Origin": OURS, "Host": "evil.example"}),
    ):
        assert answer.status in {400, 403, 404, 503}
        assert answer.headers["access-control-allow-origin"] == OURS
        read = answer.headers["access-control-expose-headers"].split(", ")
        assert set(read) == {"x-amzn-requestid", "x-amzn-errortype", "retry-after"}


def test_others_read_nothing(page: Client) -> None:
    for origin in (OTHERS, "null", OURS.replace("https", "http"), f"{OURS}:8443"):
        answer = page.ask("GET", "/healthz", headers={"Origin": origin})
        assert "access-control-allow-origin" not in answer.headers


def test_without_a_browser_nothing_is_different(page: Client) -> None:
    assert page.ask("OPTIONS", SESSIONS).status == 405
    assert page.ask("GET", "/healthz").status == 200
