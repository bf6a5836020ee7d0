"""The embedded stack's settings override those of the shell."""

from pathlib import Path

import pytest

from agents.embedded.options import Options
from pipeline.config.load import load_settings
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import free_port


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


def test_two_parts_cannot_have_one_port(tmp_path: Path) -> None:
    one, two, three = free_port(), free_port(), free_port()
    options = Options(tmp_path, one, two, one, three, workers=1, demo=False)
    with pytest.raises(UsageError, match=f"^--api-port and --kafka-port are both {one}: give each a port of its own$"):
        options.check_ports()
    Options(tmp_path, one, two, one, three, workers=1, demo=False, kafka="broker:9092").check_ports()
