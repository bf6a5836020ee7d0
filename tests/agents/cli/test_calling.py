import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agents.cli.calling import get
from pipeline.errors import TransientError, UsageError
from schemas.analytics import Failure

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
        assert get(f"{api}/", PATH, {}, Failure) == Failure("hello")
        get(api, PATH + "%2E%2E", {"label": "a b&c", "turns": 3}, Failure)
    assert asked == [PATH, PATH + "%2E%2E?label=a+b%26c&turns=3"]


@pytest.mark.parametrize(("status", "kind", "error"), [
    (400, "BadRequestException", UsageError),
    (404, "NotFoundException", UsageError),
    (429, "LimitExceededException", TransientError),
    (500, "InternalFailureException:http://x", TransientError),
])  # fmt: skip
def test_an_error_is_told_in_the_servers_words(status: int, kind: str, error: type[Exception]) -> None:
    with answering(status, b'{"message":"userId: no"}', kind) as (api, _), pytest.raises(error) as raised:
        get(api, PATH, {}, Failure)
    assert str(raised.value) == f"the query layer at {api} says: userId: no ({kind.partition(':')[0]})"


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"{}"), (404, b"<html>"), (302, b""), (200, b"\xff")]
)
def test_something_else_that_answers_is_told(status: int, body: bytes) -> None:
    with answering(status, body) as (api, _), pytest.raises(UsageError, match="is no query layer of Turnfold"):
        get(api, PATH, {}, Failure)


@pytest.mark.parametrize("api", ["", "127.0.0.1:8080", "localhost", "ftp://127.0.0.1", "http://", "http://["])
def test_what_is_no_address_is_told(api: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        get(api, PATH, {}, Failure)


def test_nobody_there_is_trouble_that_passes() -> None:
    with pytest.raises(TransientError, match=r"does not answer \(.*Connection refused\); `turnfold serve`"):
        get("http://127.0.0.1:1", PATH, {}, Failure)
