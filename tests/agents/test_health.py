"""A container's health is that its process answers, wherever it was told to listen, and nothing more."""

import os
import subprocess
import sys
from urllib.parse import urlsplit

import msgspec
import pytest

from agents.health import addresses
from pipeline.embedded.ports import free_port
from pipeline.http.app import create_app
from pipeline.settings import Settings
from tests import services
from tests.pipeline.http.serving import serving


def health(**environ: str) -> int:
    command = [sys.executable, "-m", "agents.health"]
    return subprocess.run(command, env=os.environ | environ, cwd=services.ROOT, timeout=60, check=False).returncode


def test_a_process_that_waits_for_clickhouse_is_healthy() -> None:
    away = Settings(clickhouse=f"http://127.0.0.1:{free_port()}")
    with serving(create_app(away)) as url:
        assert services.ask(url, path="/readyz").status == 503
        port = str(urlsplit(url).port)
        assert health(TURNFOLD_API_PORT=port) == 0
        assert health(TURNFOLD_API_PORT=str(free_port()), TURNFOLD_WORKER_PORT=port) == 0
        assert health(TURNFOLD_API_PORT=port, TURNFOLD_API_HOST="0.0.0.0", TURNFOLD_WORKER_PORT=str(free_port())) == 0  # noqa: S104 - as in a container


def test_a_process_that_does_not_answer_is_not() -> None:
    assert health(TURNFOLD_API_PORT=str(free_port()), TURNFOLD_WORKER_PORT=str(free_port())) == 1


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
    settings = Settings(worker_host=host, worker_port=9464, api_host=host, api_port=8080)
    assert addresses(settings) == [f"http://{asked}:9464/healthz", f"http://{asked}:8080/healthz"]
    assert len(addresses(msgspec.structs.replace(settings, worker_port=0))) == 1
