import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from agents.cli.http_client import get
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.runtime.errors import TransientError, UsageError
from schemas.access_key import Right
from schemas.lex.analytics import ErrorBody
from tests.agents.cli.command import turnfold
from tests.certificates import Certificates
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.http.serving import serving

PATH = "/bot/a%2Fb/session/"


@contextmanager
def answering(status: int, body: bytes, kind: str = "") -> Iterator[tuple[str, list[str]]]:
    """The address of a server that gives this one answer, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.send_header("x-amzn-ErrorType", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_the_path_is_sent_as_it_is_and_the_query_encoded() -> None:
    with answering(200, b'{"message": "hello"}') as (api, asked):
        assert get(Settings(api=f"{api}/"), PATH, {}, ErrorBody) == ErrorBody("hello")
        get(Settings(api=api), PATH + "%2E%2E", {"label": "a b&c", "turns": 3}, ErrorBody)
    assert asked == [PATH, PATH + "%2E%2E?label=a+b%26c&turns=3"]


@pytest.mark.parametrize(("status", "kind", "error"), [
    (400, "BadRequestException", UsageError),
    (404, "NotFoundException", UsageError),
    (429, "LimitExceededException", TransientError),
    (500, "InternalFailureException:http://x", TransientError),
])  # fmt: skip
def test_an_error_is_told_in_the_servers_words(status: int, kind: str, error: type[Exception]) -> None:
    with answering(status, b'{"message":"userId: no"}', kind) as (api, _), pytest.raises(error) as raised:
        get(Settings(api=api), PATH, {}, ErrorBody)
    assert str(raised.value) == f"the query layer at {api} says: userId: no ({kind.partition(':')[0]})"


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"{}"), (404, b"<html>"), (302, b""), (200, b"\xff")]
)
def test_something_else_that_answers_is_told(status: int, body: bytes) -> None:
    with answering(status, body) as (api, _), pytest.raises(UsageError, match="is no query layer of Turnfold"):
        get(Settings(api=api), PATH, {}, ErrorBody)


@pytest.mark.parametrize("api", ["", "127.0.0.1:8080", "localhost", "ftp://127.0.0.1", "http://", "http://["])
def test_what_is_no_address_is_told(api: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        get(Settings(api=api), PATH, {}, ErrorBody)


def test_nobody_there_is_trouble_that_passes() -> None:
    with pytest.raises(TransientError, match=r"does not answer \(.*Connection refused\); `turnfold serve`"):
        get(Settings(api="http://127.0.0.1:1"), PATH, {}, ErrorBody)


@pytest.fixture
def safe(with_tables: Settings, pem: Certificates, tmp_path: Path) -> Iterator[Settings]:
    """A query layer over an empty archive, with TLS and keys, and what is needed to be let in."""
    issued = bearing(bots=("SALES*",), rights=(Right.LIST,))
    keys = kept(tmp_path / "keys.json", issued)
    changed = {"api_keys": str(keys), "api_certificate": str(pem.server)}
    settings = msgspec.structs.replace(with_tables, **changed)
    with serving(create_app(settings), settings) as url:
        yield Settings(api=url, api_ca=str(pem.ca), api_token=issued.credential)


def test_over_tls_with_a_token_commands_are_answered(safe: Settings) -> None:
    found = turnfold(safe, "sessions", "SALES00001", "--format", "json")
    assert (found.status, json.loads(found.out)) == (0, [])


def told(settings: Settings, *command: str) -> str:
    """What a command says that is refused."""
    ended = turnfold(settings, *command)
    assert (ended.status, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert not settings.api_token or settings.api_token not in ended.err
    return ended.err


def test_who_is_not_let_in_is_told_why_and_what_to_do(safe: Settings) -> None:
    listing = ("sessions", "SALES00001")
    nothing = told(msgspec.structs.replace(safe, api_token=""), *listing)
    assert "(MissingAuthenticationTokenException); set TURNFOLD_API_TOKEN to a bearer token" in nothing
    other = told(msgspec.structs.replace(safe, api_token=bearing().credential), *listing)
    assert "(UnrecognizedClientException); TURNFOLD_API_TOKEN is not, or no longer, a token that is let in" in other
    forbidden = told(safe, "session", "SALES00001", "TSTALIASID", "user-1")
    assert "has no right to sessions: it has list (AccessDeniedException)\n" in forbidden


def test_a_stranger_is_not_believed_to_be_the_query_layer(safe: Settings, pem: Certificates) -> None:
    for ca in ("", str(pem.strangers)):
        text = told(msgspec.structs.replace(safe, api_ca=ca), "sessions", "SALES00001")
        assert "shows a certificate that is not trusted (" in text
        assert "TURNFOLD_API_CA should name the file" in text
    with answering(200, b"{}") as (api, _), pytest.raises(TransientError, match="does not answer over TLS"):
        get(msgspec.structs.replace(safe, api=api.replace("http", "https")), PATH, {}, ErrorBody)
