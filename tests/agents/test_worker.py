import socket

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold


def test_an_address_of_metrics_that_is_in_use_is_refused_before_kafka_is_looked_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = turnfold(Settings(worker_port=port, kafka=("127.0.0.1:1",)), "worker")
    assert ended.status == 2
    assert f"127.0.0.1:{port}" in ended.err
    assert "in use" in ended.err
