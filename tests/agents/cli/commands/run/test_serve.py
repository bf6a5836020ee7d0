"""`turnfold serve` logs where it listens, and answers until it is stopped by a signal."""

import signal

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.sockets import free_port
from tests.agents.cli.command import WITHIN, start
from tests.certificates import Certificates
from tests.services import await_answer


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_a_signal_comes_and_then_ends_well(number: int) -> None:
    port = free_port()
    settings = msgspec.structs.replace(Settings(), api_port=port, clickhouse="http://127.0.0.1:1")
    with start(settings, "serve") as process:
        await_answer(f"http://127.0.0.1:{port}", process)
        process.send_signal(number)
        _, err = process.communicate(timeout=WITHIN)
    assert process.returncode == 0
    assert b"Traceback" not in err


def test_the_log_says_where_it_listens_and_how(pem: Certificates) -> None:
    port = free_port()
    settings = Settings(api_port=port, api_certificate=str(pem.server), clickhouse="http://127.0.0.1:1")
    with start(settings, "serve") as process:
        await_answer(f"https://127.0.0.1:{port}", process, pem)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WITHIN)
    assert f"the query layer listens on https://127.0.0.1:{port}".encode() in err
