"""The embedded stack's settings override those of the shell."""

from pathlib import Path

import pytest

from agents.embedded.options import Options
from pipeline.config.load import load_settings
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import bind_socket, free_port


def test_on_loopback_the_query_layer_is_asked_without_tls(tmp_path: Path) -> None:
    elsewhere = {
        "TURNFOLD_API": "https://turnfold.example",
        "TURNFOLD_API_CA": "/ca.pem",
        "TURNFOLD_API_CERTIFICATE": "/certificate.pem",
        "TURNFOLD_API_CERTIFICATE_KEY": "/key.pem",
    }
    assert load_settings(elsewhere).api_certificate
    options = Options(tmp_path, api_port=1, receive_port=4, kafka_port=2, clickhouse_port=3, workers=1, demo=False)
    here = load_settings(elsewhere | options.environ())
    assert (here.api, here.api_certificate) == ("http://127.0.0.1:1", "")


def test_the_cluster_has_one_id_on_any_port_and_another_one_in_another_folder(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    first, moved, apart = (
        Options(data, api_port=1, receive_port=4, kafka_port=port, clickhouse_port=3, workers=1, demo=False)
        for data, port in ((tmp_path, 2), (tmp_path, 5), (other, 2))
    )
    assert first.cluster_id() == moved.cluster_id()
    assert first.cluster_id() != apart.cluster_id()


def test_two_parts_cannot_have_one_port(tmp_path: Path) -> None:
    one, two, three = free_port(), free_port(), free_port()
    options = Options(tmp_path, one, two, one, three, workers=1, demo=False)
    with pytest.raises(UsageError, match=f"^--api-port and --kafka-port are both {one}: give each a port of its own$"):
        options.check_ports()
    Options(tmp_path, one, two, one, three, workers=1, demo=False, kafka="broker:9092").check_ports()


def test_all_ports_that_are_in_use_are_named_at_once(tmp_path: Path) -> None:
    """Beside another stack, nobody has to start four times to learn of four ports."""
    with (
        bind_socket("127.0.0.1", 0, "none", backlog=1) as first,
        bind_socket("127.0.0.1", 0, "none", backlog=1) as second,
    ):
        taken, free = [opened.getsockname()[1] for opened in (first, second)], [free_port(), free_port()]
        options = Options(tmp_path, taken[0], free[0], taken[1], free[1], workers=1, demo=False)
        with pytest.raises(UsageError) as raised:
            options.check_ports()
    lines = str(raised.value).splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["--api-port", "--kafka-port"]
