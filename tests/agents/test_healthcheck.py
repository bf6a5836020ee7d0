"""The health check asks the process on its own address and protocol, and only whether it is alive."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import msgspec
import pytest

from agents.healthcheck import addresses
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.runtime.sockets import free_port
from tests import services
from tests.certificates import Certificates
from tests.paths import ROOT
from tests.pipeline.http.serving import serving

HEALTHY, SICK = (0, ""), (1, "")


def health(**environ: str) -> tuple[int, str]:
    """Exit status, and what was said, as a container's log would have it again and again.

    On a port that is not given nobody listens, whatever else runs on this machine.
    """
    command = [sys.executable, "-m", "agents.healthcheck"]
    ports = {f"TURNFOLD_{name}_PORT": str(free_port()) for name in ("API", "WORKER", "RECEIVE")}
    there = os.environ | ports | environ
    ended = subprocess.run(command, env=there, cwd=ROOT, timeout=60, check=False, capture_output=True)
    return ended.returncode, (ended.stdout + ended.stderr).decode()


def test_a_process_that_waits_for_clickhouse_is_healthy() -> None:
    away = Settings(clickhouse=f"http://127.0.0.1:{free_port()}")
    with serving(create_app(away)) as url:
        assert services.ask(url, path="/readyz").status == 503
        port = str(urlsplit(url).port)
        assert health(TURNFOLD_API_PORT=port) == HEALTHY
        assert health(TURNFOLD_WORKER_PORT=port) == HEALTHY
        everywhere = {"TURNFOLD_API_HOST": "0.0.0.0", "TURNFOLD_API_PORT": port}  # noqa: S104 - as in a container
        assert health(**everywhere) == HEALTHY


def test_with_tls_it_is_asked_over_tls(pem: Certificates) -> None:
    """By a certificate for another name, of authorities that nobody here knows: it is not looked at."""
    settings = Settings(clickhouse=f"http://127.0.0.1:{free_port()}", api_certificate=str(pem.server))
    with serving(create_app(settings), settings) as url:
        there = {"TURNFOLD_API_PORT": str(urlsplit(url).port), "TURNFOLD_API_CERTIFICATE": str(pem.server)}
        assert health(**there) == HEALTHY
        assert health(**there, TURNFOLD_API_HOST="127.0.0.2") == SICK, "nobody listens there"
        del there["TURNFOLD_API_CERTIFICATE"]
        assert health(**there) == SICK


def test_a_process_that_does_not_answer_is_not() -> None:
    assert health() == SICK


@pytest.mark.parametrize(
    ("host", "asked"),
    [
        ("0.0.0.0", "127.0.0.1"),  # noqa: S104 - as in a container
        ("::", "[::1]"),
        ("10.1.2.3", "10.1.2.3"),
        ("::1", "[::1]"),
    ],
)
def test_an_address_that_stands_for_all_is_asked_on_loopback(host: str, asked: str) -> None:
    settings = Settings(worker_host=host, worker_port=9464, api_host=host, api_port=8080, receive_host=host)
    assert addresses(settings) == [f"http://{asked}:{port}/healthz" for port in (9464, 8080, 8081)]
    assert len(addresses(msgspec.structs.replace(settings, worker_port=0))) == 2
