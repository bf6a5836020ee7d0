"""Starting and stopping what tests talk to: each service a process of its own, as in production."""

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

STARTED_WITHIN = 60.0
STOPPED_WITHIN = 30.0


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body of an answer that must be a success."""
        assert self.status == http.client.OK, self.body.decode()
        return self.body.decode()

    @property
    def code(self) -> int:
        """ClickHouse's code of the error, 0 where there is none."""
        return int(self.headers.get("x-clickhouse-exception-code", "0"))


def clickhouse_command(folder: Path, port: int, pem: Certificates | None = None) -> list[str]:
    """What runs the embedded ClickHouse, with TLS where there are certificates."""
    tls = ["--certificate", str(pem.server)] if pem else []
    module = "pipeline.embedded.clickhouse_server"
    return [sys.executable, "-m", module, "--path", str(folder), "--port", str(port), *tls]


@contextmanager
def clickhouse(
    folder: Path, environ: Mapping[str, str] | None = None, pem: Certificates | None = None
) -> Iterator[str]:
    """The URL of an embedded ClickHouse that lives for the block and then ends as it should."""
    with clickhouse_process(folder, environ, pem) as (url, process):
        yield url
        assert process.poll() is None, "ClickHouse ended before it was told to"
        process.terminate()
        assert process.wait(STOPPED_WITHIN) == 0


@contextmanager
def clickhouse_process(
    folder: Path, environ: Mapping[str, str] | None = None, pem: Certificates | None = None
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The same with its process, which the block may end in its own way."""
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
    """Returns once the server answers."""
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
    **arguments: object,
) -> Answer:
    """The answer to one plain HTTP request, with `pem` over TLS; `arguments` are parameters of the URL as well."""
    connection = _connection(urlsplit(url).netloc, pem)
    query = urlencode({**(url_parameters or {}), **arguments})
    target = f"{path}?{query}" if query else path
    data = body.encode() if isinstance(body, str) else body
    try:
        connection.request(method or ("GET" if data is None else "POST"), target, data, dict(headers or {}))
        got = connection.getresponse()
        return Answer(got.status, {name.lower(): text for name, text in got.getheaders()}, got.read())
    finally:
        connection.close()


def _connection(address: str, pem: Certificates | None) -> http.client.HTTPConnection:
    if not pem:
        return http.client.HTTPConnection(address, timeout=60)
    return http.client.HTTPSConnection(address, timeout=60, context=ssl.create_default_context(cafile=pem.ca))
