"""Start and stop services for tests as separate processes, as in production, and send them HTTP requests."""

import http.client
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from pipeline.runtime.sockets import free_port
from tests.certificates import Certificates
from tests.paths import ROOT

STARTED_WITHIN = 180.0
STOPPED_WITHIN = 60.0


class Answer(NamedTuple):
    """The response of a server."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body of a response that must be a success."""
        assert self.status == http.client.OK, self.body.decode()
        return self.body.decode()

    @property
    def code(self) -> int:
        """Return ClickHouse's error code, or 0."""
        return int(self.headers.get("x-clickhouse-exception-code", "0"))


def clickhouse_command(folder: Path, port: int, pem: Certificates | None = None) -> list[str]:
    """Return the command of the embedded ClickHouse, with TLS if there are certificates."""
    tls = ["--certificate", str(pem.server)] if pem else []
    module = "pipeline.embedded.clickhouse_server"
    return [sys.executable, "-m", module, "--path", str(folder), "--port", str(port), *tls]


@contextmanager
def clickhouse(
    folder: Path, environ: Mapping[str, str] | None = None, pem: Certificates | None = None
) -> Iterator[str]:
    """Run an embedded ClickHouse during the block, check that it stops gracefully, and yield its URL."""
    with clickhouse_process(folder, environ, pem) as (url, process):
        yield url
        assert process.poll() is None, "ClickHouse ended before it was stopped"
        process.terminate()
        assert process.wait(STOPPED_WITHIN) == 0


@contextmanager
def clickhouse_process(
    folder: Path, environ: Mapping[str, str] | None = None, pem: Certificates | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run an embedded ClickHouse during the block, which may end its process, and yield URL and process."""
    port = free_port()
    url = f"{'https' if pem else 'http'}://127.0.0.1:{port}"
    command = clickhouse_command(folder, port, pem)
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **(environ or {})}) as process:
        try:
            await_answer(url, process, pem)
            yield url, process
        finally:
            if process.poll() is None:
                process.kill()


def await_answer(url: str, process: subprocess.Popen[bytes], pem: Certificates | None = None) -> None:
    """Wait until the server answers."""
    deadline = time.monotonic() + STARTED_WITHIN
    while True:
        try:
            ask(url, path="/ping", pem=pem)
        except OSError:
            assert process.poll() is None, "the server ended before it answered"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
        else:
            return


def ask(
    url: str,
    body: bytes | str | Iterator[bytes] | None = None,
    *,
    path: str = "/",
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
    url_parameters: Mapping[str, object] | None = None,
    pem: Certificates | None = None,
    timeout: float = 60,
    **arguments: object,
) -> Answer:
    """Send one HTTP request, over TLS if `pem` is given; `arguments` are further parameters of the URL."""
    connection = _connection(urlsplit(url).netloc, pem, timeout)
    query = urlencode({**(url_parameters or {}), **arguments})
    target = f"{path}?{query}" if query else path
    data = body.encode() if isinstance(body, str) else body
    try:
        connection.request(method or ("GET" if data is None else "POST"), target, data, dict(headers or {}))
        got = connection.getresponse()
        return Answer(got.status, {name.lower(): text for name, text in got.getheaders()}, got.read())
    finally:
        connection.close()


def _connection(address: str, pem: Certificates | None, timeout: float) -> http.client.HTTPConnection:
    if not pem:
        return http.client.HTTPConnection(address, timeout=timeout)
    return http.client.HTTPSConnection(address, timeout=timeout, context=ssl.create_default_context(cafile=pem.ca))
