import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest

from agents.cli.http_client import sessions
from pipeline.config.settings import Settings
from pipeline.runtime.errors import TransientError, UsageError

PAGE = {"botId": "BOTAAAAAA1", "sessions": []}


@contextmanager
def answering(status: int, body: bytes, kind: str = "") -> Iterator[str]:
    """The address of a server that gives this one answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
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
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def ask(api: str) -> None:
    assert list(sessions(Settings(api=api), "BOTAAAAAA1", {}, None)) == []


def test_an_empty_page_without_a_token_is_the_end() -> None:
    with answering(200, orjson.dumps(PAGE)) as api:
        ask(api)


@pytest.mark.parametrize(("status", "kind", "error"), [
    (400, "ValidationException", UsageError),
    (429, "ThrottlingException", TransientError),
    (500, "InternalServerException:http://x", TransientError),
])  # fmt: skip
def test_an_error_is_told_in_the_servers_words(status: int, kind: str, error: type[Exception]) -> None:
    with answering(status, b'{"message":"filters[0]: no"}', kind) as api, pytest.raises(error) as raised:
        ask(api)
    assert str(raised.value) == f"the query layer at {api} says: filters[0]: no ({kind.partition(':')[0]})"


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"{}"), (404, b"<html>"), (302, b""), (200, b"\xff")]
)
def test_something_else_that_answers_is_told(status: int, body: bytes) -> None:
    with answering(status, body) as api, pytest.raises(UsageError, match="is no query layer of Turnfold"):
        ask(api)


@pytest.mark.parametrize("api", ["", "127.0.0.1:8080", "localhost", "ftp://127.0.0.1", "http://", "http://["])
def test_what_is_no_address_is_told(api: str) -> None:
    with pytest.raises(UsageError, match="is no address"):
        ask(api)


def test_nobody_there_is_trouble_that_passes() -> None:
    with pytest.raises(TransientError, match=r"does not answer \(.*Connection refused\); `turnfold serve`"):
        ask("http://127.0.0.1:1")
