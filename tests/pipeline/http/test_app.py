import uuid
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.pipeline.http.serving import SESSIONS, WINDOW, Client, assert_failed


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nope",
        SESSIONS + "/",
        "/bots//analytics/sessions",
        "//healthz",
        "/healthz/",
        "/bots/%2F/x",
        "/%FF",
    ],
)
def test_an_unknown_path_is_an_error_and_never_redirected(ask: Client, path: str) -> None:
    for method in ("GET", "POST"):
        answer = ask.ask(method, path)
        assert_failed(answer, 404, "UnknownOperationException", "GET /openapi.json lists paths")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", SESSIONS, {"POST"}),
        ("PUT", SESSIONS, {"POST"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
        ("DELETE", "/readyz", {"GET", "HEAD"}),
        ("POST", "/openapi.json", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_gets_the_allowed_ones(ask: Client, method: str, path: str, allowed: set[str]) -> None:
    answer = ask.ask(method, path)
    assert_failed(answer, 405, "MethodNotAllowedException", "GET /openapi.json lists paths")
    assert set(answer.headers["allow"].split(", ")) == allowed


def test_every_answer_has_a_request_id_of_its_own(ask: Client) -> None:
    answers = [ask.sessions(), ask.post(SESSIONS, b""), ask.ask("GET", "/nope"), ask.ask("GET", "/healthz")]
    assert [answer.status for answer in answers] == [200, 400, 404, 200]
    assert len({uuid.UUID(answer.headers["x-amzn-requestid"]) for answer in answers}) == len(answers)


def test_a_query_after_the_path_changes_nothing(ask: Client) -> None:
    assert ask.post(SESSIONS + "?x=/a%2Fb", WINDOW).status == 200


def test_the_whole_address_may_stand_in_the_request_line(api: str) -> None:
    connection = HTTPConnection(urlsplit(api).netloc, timeout=30)
    connection.request("GET", f"{api}/healthz")
    assert connection.getresponse().read() == b'{"status":"alive"}'
    connection.close()
