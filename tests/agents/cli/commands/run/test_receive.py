import signal

import msgspec

from pipeline.config.settings import Settings
from pipeline.runtime.sockets import free_port
from tests import services
from tests.agents.cli.command import WITHIN, start


def test_it_serves_until_it_is_stopped() -> None:
    port = free_port()
    settings = msgspec.structs.replace(Settings(), receive_port=port, kafka=(f"127.0.0.1:{free_port()}",))
    with start(settings, "receive") as process:
        url = f"http://127.0.0.1:{port}"
        services.await_answer(url, process)
        assert services.ask(url, path="/healthz").status == 200
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=WITHIN)
    assert process.returncode == 0
    assert b"the receiver listens on http://127.0.0.1" in err
    assert b"Traceback" not in err


def test_an_address_that_others_reach_needs_keys() -> None:
    with start(Settings(receive_host="0.0.0.0"), "receive") as process:  # noqa: S104 - it is refused
        _, err = process.communicate(timeout=WITHIN)
    assert process.returncode == 2
    assert b"TURNFOLD_RECEIVE_HOST=0.0.0.0 is reachable from other machines" in err
