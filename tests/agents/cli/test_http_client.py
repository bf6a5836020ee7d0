"""The client sends its token to the query layer only, and reports errors with their cause and remedy."""

import http.server
import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType

import msgspec
import orjson
import pytest

from agents.cli import http_client
from agents.cli.http_client import auth_headers, list_rows, open_client, tls_context
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.runtime.errors import TransientError, UsageError
from schemas.access_key import Right
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataResponse
from schemas.lex.analytics.operation import ErrorBody
from tests.agents.cli.command import turnfold
from tests.certificates import Certificates
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.http.operations.test_list_sessions import insert
from tests.pipeline.http.serving import serving
from tests.pipeline.query.rows import BOT, NOW, conversation

TOKEN = "tf_KEY1_secretsecret"
PATH = "/bot/a%2Fb/session/"
PAGE = {"botId": "BOTAAAAAA1", "sessions": []}


@contextmanager
def responding(
    status: int, body: bytes, kind: str = "", headers: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, list[str]]]:
    """Serve one response to every request; yield the address and the paths that were requested."""
    paths: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            for name, value in {**headers, "x-amzn-ErrorType": kind}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", paths
        finally:
            server.shutdown()
            thread.join()


def get_one(api: str) -> None:
    with open_client(Settings(api=api)) as client:
        client.get(PATH, {}, ErrorBody)


def list_none(api: str) -> None:
    rows = list_rows(Settings(api=api), "/sessions", {}, ListSessionAnalyticsDataResponse, attrgetter("sessions"), None)
    assert list(rows) == []


BOTH = pytest.mark.parametrize("call", [get_one, list_none])
Call = Callable[[str], None]


@pytest.mark.parametrize(
    "api",
    [
        "https://turnfold.example",
        "https://10.0.0.1:8443",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:1",
    ],
)
def test_a_token_is_sent_over_tls_and_on_this_machine(api: str) -> None:
    assert auth_headers(Settings(api=api, api_token=TOKEN)) == {"authorization": f"Bearer {TOKEN}"}
    assert auth_headers(Settings(api=api)) == {}


@pytest.mark.parametrize(
    "api",
    [
        "http://turnfold.example",
        "http://10.0.0.1:8080",
        "http://127.0.0.1.example",
        "http://evil.localhost",
        "http://localhost@turnfold.example",
        "HTTP://turnfold.example",
    ],
)
def test_a_token_is_not_sent_where_others_could_read_it(api: str) -> None:
    assert auth_headers(Settings(api=api)) == {}
    with pytest.raises(UsageError, match="TURNFOLD_API should begin with https://") as refused:
        auth_headers(Settings(api=api, api_token=TOKEN))
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "b\N{LATIN SMALL LETTER A WITH DIAERESIS}r", "line\r\nx-evil: 1", "\0"])
def test_a_text_that_can_be_no_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(UsageError, match="TURNFOLD_API_TOKEN") as refused:
        auth_headers(Settings(api_token=token))
    assert token not in str(refused.value)


def test_authorities_are_trusted_in_addition_to_those_of_the_machine(pem: Certificates) -> None:
    assert tls_context(Settings()) is None
    machine = tls_context(Settings(api="https://host"))
    ours = tls_context(Settings(api="https://host", api_ca=str(pem.ca)))
    assert machine
    assert ours
    assert len(ours.get_ca_certs()) == len(machine.get_ca_certs()) + 1
    with pytest.raises(UsageError, match="TURNFOLD_API_CA=/nowhere holds no certificate authorities"):
        tls_context(Settings(api="https://host", api_ca="/nowhere"))


def test_the_path_is_sent_as_it_is_and_the_query_encoded() -> None:
    with responding(200, b'{"message": "hello"}') as (api, paths), open_client(Settings(api=f"{api}/")) as client:
        assert client.get(PATH, {}, ErrorBody) == ErrorBody("hello")
        client.get(PATH + "%2E%2E", {"label": "a b&c", "turns": 3}, ErrorBody)
    assert paths == [PATH, PATH + "%2E%2E?label=a+b%26c&turns=3"]


def test_an_empty_page_without_a_token_is_the_last_one() -> None:
    with responding(200, orjson.dumps(PAGE)) as (api, paths):
        list_none(f"{api}/")
    assert len(paths) == 1


@BOTH
@pytest.mark.parametrize(("status", "kind", "error"), [
    (400, "ValidationException", UsageError),
    (404, "NotFoundException", UsageError),
    (429, "ThrottlingException", TransientError),
    (500, "InternalServerException:http://x", TransientError),
])  # fmt: skip
def test_an_error_has_the_servers_message_and_kind(call: Call, status: int, kind: str, error: type[Exception]) -> None:
    with responding(status, b'{"message":"filters[0]: no"}', kind) as (api, _), pytest.raises(error) as raised:
        call(api)
    assert str(raised.value) == f"error from the query layer at {api}: filters[0]: no ({kind.partition(':')[0]})"


@BOTH
@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"{}"), (404, b"<html>"), (302, b""), (200, b"\xff")]
)
def test_another_server_at_the_address_is_reported(call: Call, status: int, body: bytes) -> None:
    with responding(status, body) as (api, _), pytest.raises(UsageError, match="is not a Turnfold query layer"):
        call(api)


@BOTH
@pytest.mark.parametrize("api", ["", "127.0.0.1:8080", "localhost", "ftp://127.0.0.1", "http://", "http://["])
def test_an_address_that_is_no_url_is_refused(call: Call, api: str) -> None:
    with pytest.raises(UsageError, match="is not a URL"):
        call(api)


@BOTH
def test_a_closed_port_is_an_error_that_may_pass(call: Call) -> None:
    with pytest.raises(TransientError, match=r"does not answer \(.*Connection refused\); `turnfold serve`"):
        call("http://127.0.0.1:1")


@pytest.fixture
def safe(with_tables: Settings, pem: Certificates, tmp_path: Path) -> Iterator[Settings]:
    """A query layer over an empty archive, with TLS and keys, and the settings of a client that has access."""
    issued = bearing(bots=("SALES*",), rights=(Right.LIST,))
    keys = kept(tmp_path / "keys.json", issued)
    changed = {"api_keys": str(keys), "api_certificate": str(pem.server)}
    settings = msgspec.structs.replace(with_tables, **changed)
    with serving(create_app(settings), settings) as url:
        yield Settings(api=url, api_ca=str(pem.ca), api_token=issued.credential)


def test_over_tls_with_a_token_commands_are_answered(safe: Settings) -> None:
    listed = turnfold(safe, "sessions", "SALES00001", "--format", "json")
    assert (listed.status, json.loads(listed.out)) == (0, [])


def refusal(settings: Settings, *command: str) -> str:
    """Run a command that is refused, and return its message."""
    ended = turnfold(settings, *command)
    assert (ended.status, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    assert not settings.api_token or settings.api_token not in ended.err
    return ended.err


def test_a_denial_is_reported_with_its_cause_and_remedy(safe: Settings) -> None:
    listing = ("sessions", "SALES00001")
    nothing = refusal(msgspec.structs.replace(safe, api_token=""), *listing)
    assert "(MissingAuthenticationTokenException); set TURNFOLD_API_TOKEN to a bearer token" in nothing
    other = refusal(msgspec.structs.replace(safe, api_token=bearing().credential), *listing)
    assert "(UnrecognizedClientException); TURNFOLD_API_TOKEN is not, or no longer, a valid token" in other
    forbidden = refusal(safe, "session", "SALES00001", "TSTALIASID", "user-1")
    assert "has no right to sessions: it has list (AccessDeniedException)\n" in forbidden


def test_a_server_with_another_certificate_is_not_trusted(safe: Settings, pem: Certificates) -> None:
    for ca in ("", str(pem.strangers)):
        text = refusal(msgspec.structs.replace(safe, api_ca=ca), "sessions", "SALES00001")
        assert "the certificate of the query layer at" in text
        assert "is not trusted (" in text
        assert "TURNFOLD_API_CA should name the file" in text
    with responding(200, b"{}") as (api, _), pytest.raises(TransientError, match="does not answer over TLS"):
        get_one(api.replace("http", "https"))


COUNT = 25


def test_as_many_rows_are_read_as_are_wanted(with_tables: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    insert(with_tables, *(conversation(number, start=NOW + number, end=NOW + number) for number in range(COUNT)))
    monkeypatch.setattr(http_client, "PAGE", 4)
    path, request = f"/bots/{BOT}/analytics/sessions", {"startDateTime": 0, "endDateTime": 4_000_000_000}
    with serving(create_app(with_tables)) as url:
        settings = msgspec.structs.replace(with_tables, api=url)
        for limit in (None, 3, 4, 5, 24, 25, 26):
            found = list_rows(settings, path, request, ListSessionAnalyticsDataResponse, attrgetter("sessions"), limit)
            assert [one.session_id for one in found] == [f"session-{n}" for n in range(COUNT)][::-1][:limit]


def test_a_list_of_more_pages_than_a_key_may_request_at_once_is_read_to_its_end(
    with_tables: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its key may send ten requests at once, and one a second then."""
    insert(with_tables, *(conversation(number, start=NOW + number, end=NOW + number) for number in range(12)))
    monkeypatch.setattr(http_client, "PAGE", 1)
    issued = bearing(rights=(Right.LIST,), rate=1.0)
    path, request = f"/bots/{BOT}/analytics/sessions", {"startDateTime": 0, "endDateTime": 4_000_000_000}
    with serving(
        create_app(msgspec.structs.replace(with_tables, api_keys=str(kept(tmp_path / "keys", issued))))
    ) as url:
        settings = Settings(api=url, api_token=issued.credential)
        found = list_rows(settings, path, request, ListSessionAnalyticsDataResponse, attrgetter("sessions"), None)
        assert len(list(found)) == 12


def test_a_server_that_throttles_for_ever_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("agents.cli.http_client.time.sleep", pauses.append)
    with (
        responding(429, b'{"message":"later"}', "ThrottlingException", {"Retry-After": "3600"}) as (api, paths),
        pytest.raises(TransientError, match="later"),
    ):
        get_one(api)
    assert (len(paths), pauses) == (4, [10, 10, 10])


@pytest.mark.parametrize("terminal", [True, False])
def test_who_waits_at_a_terminal_is_told_why(
    terminal: bool,  # noqa: FBT001 - a case
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("agents.cli.http_client.time.sleep", lambda _: None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    throttled = responding(429, b'{"message":"later"}', "ThrottlingException", {"Retry-After": "2"})
    with throttled as (api, _), pytest.raises(TransientError):
        get_one(api)
    said = "the query layer throttles this key or all requests; waiting 2 s\n"
    assert capsys.readouterr().err == (3 * said if terminal else "")
