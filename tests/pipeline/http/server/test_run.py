import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import serve
from pipeline.http.server.run import _log_exposure, listen
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import free_port
from tests import services
from tests.certificates import Certificates
from tests.paths import ROOT
from tests.pipeline.http.serving import SESSIONS, WITHIN, assert_failed, client

START = "from pipeline.http.app import serve; from pipeline.config.settings import Settings; serve(Settings({}))"


@contextmanager
def served(pem: Certificates | None = None, **settings: object) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A process of its own, as in production."""
    port = free_port()
    words = ", ".join(f"{name}={value!r}" for name, value in {"api_port": port, **settings}.items())
    command = [sys.executable, "-c", START.format(words)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as server:
        try:
            url = f"{'https' if pem else 'http'}://127.0.0.1:{port}"
            services.await_answer(url, server, pem)
            yield url, server
        finally:
            if server.poll() is None:
                server.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(number: signal.Signals) -> None:
    """Also while ClickHouse is away and a client keeps its connection."""
    with served(clickhouse=f"http://127.0.0.1:{free_port()}") as (url, server), client(url) as ask:
        assert ask.ask("GET", "/healthz").status == 200
        assert_failed(ask.sessions(), 500, "InternalServerException")
        server.send_signal(number)
        assert server.wait(WITHIN) == 0
        assert server.stderr is not None
        assert b"Traceback" not in server.stderr.read()


def test_a_request_that_does_not_end_holds_it_no_longer_than_its_time() -> None:
    """A client sends half a body and waits; the process must go all the same."""
    with served(stop_seconds=0.5) as (url, server):
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=WITHIN) as half:
            half.sendall(f"POST {SESSIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode())
            with client(url) as ask:
                assert ask.ask("GET", "/healthz").status == 200
            server.send_signal(signal.SIGTERM)
            assert server.wait(WITHIN) == 0
            assert b" 400 " not in half.recv(4096)  # which it would get for a body that came too late


def test_a_port_in_use_is_named_with_the_setting_that_changes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{port} .*TURNFOLD_API_PORT"):
            serve(Settings(api_port=port))


def test_a_host_that_is_not_ours_is_named_with_the_setting_that_changes_it() -> None:
    for host in ("192.0.2.1", "no.such.host.invalid"):
        with pytest.raises(UsageError, match=f"{host}:8080 .*TURNFOLD_API_HOST"):
            listen(Settings(api_host=host))


def test_the_signals_of_the_process_are_as_before_afterwards() -> None:
    handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UsageError):
        serve(Settings(api_port=taken.getsockname()[1]))
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == handlers


def test_with_a_certificate_it_speaks_tls(pem: Certificates) -> None:
    with served(pem, api_certificate=str(pem.server)) as (url, server):
        assert services.ask(url, path="/healthz", pem=pem).text == '{"status":"alive"}'
        server.send_signal(signal.SIGTERM)
        assert server.wait(WITHIN) == 0


@pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [
        ("nowhere.pem", "", "No such file"),
        ("server.crt", "client.key", "mismatch"),
        ("server.key", "", "not valid PEM"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named_with_its_setting(
    pem: Certificates, certificate: str, key: str, why: str
) -> None:
    folder = pem.server.parent
    given = Settings(
        api_port=free_port(),
        api_certificate=str(folder / certificate),
        api_certificate_key=key and str(folder / key),
    )
    with pytest.raises(UsageError, match=f"^TURNFOLD_API_CERTIFICATE={folder / certificate}.* cannot be used: .*{why}"):
        serve(given)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (Settings(), "only this machine is served"),
        (Settings(api_keys="keys.json", api_host="192.0.2.7"), "are sent unencrypted"),
        (Settings(api_keys="keys.json", api_host="192.0.2.7", api_certificate="server.pem"), ""),
        (Settings(api_keys="keys.json"), ""),
    ],
)
def test_missing_keys_and_missing_tls_are_logged(
    caplog: pytest.LogCaptureFixture, settings: Settings, words: str
) -> None:
    """Nobody has to find out that a server is open, or that its keys can be read on the way."""
    caplog.set_level(logging.INFO)
    _log_exposure(settings, settings.api_host)
    assert words in caplog.text
    assert bool(words) == bool(caplog.text)
