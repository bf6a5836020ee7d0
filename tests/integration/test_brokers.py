"""Brokers of Apache Kafka die and come back, the leaders among them; workers go on by themselves and miss nothing."""

import subprocess
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from tests import apache
from tests.effort import IN_SEARCH
from tests.integration.component_stack import ClickHouseServer, component_stack
from tests.integration.tables import assert_tables
from tests.integration.traffic import share_of_lines

pytestmark = [pytest.mark.apache, pytest.mark.search]  # a share of the traffic in `make test`

SMALL = {"TURNFOLD_FLUSH_SECONDS": "0.05", "TURNFOLD_FLUSH_EVENTS": "20"}


@IN_SEARCH
def test_each_broker_of_three_killed_in_turn(tmp_path: Path, shared_clickhouse: ClickHouseServer) -> None:
    """Each leads some partitions, and one of them the group; what two of three have confirmed is not lost."""
    traffic = share_of_lines(seed=31, conversations=120)
    with apache.cluster(tmp_path / "kafka", brokers=3) as cluster:
        settings = Settings(
            kafka=tuple(cluster.addresses), topic_replication=3, topic_min_insync=2, kafka_idempotence=True
        )
        with component_stack(tmp_path, settings, shared_clickhouse) as parts:
            workers = [parts.start_worker(**SMALL) for _ in range(2)]
            for number in cluster.nodes:
                parts.send(traffic[number - 1 :: 6])
                cluster.kill(number)
                parts.send(traffic[number + 2 :: 6])
                cluster.start()
            parts.wait_until_folded()
            assert [worker.poll() for worker in workers] == [None, None]
            assert_tables(parts, traffic)


@IN_SEARCH
def test_the_only_broker_killed_and_back_again(tmp_path: Path, shared_clickhouse: ClickHouseServer) -> None:
    traffic = share_of_lines(seed=32, conversations=120)
    with apache.cluster(tmp_path / "kafka") as cluster:
        settings = Settings(kafka=tuple(cluster.addresses), kafka_idempotence=True)
        with component_stack(tmp_path, settings, shared_clickhouse) as parts:
            worker = parts.start_worker(**SMALL)
            parts.send(traffic[: len(traffic) // 2])
            parts.wait_until(lambda: parts.rows("conversations") > 0, "a first row")
            cluster.kill(1)
            with pytest.raises(subprocess.TimeoutExpired):
                worker.wait(3)
            cluster.start()
            parts.send(traffic[len(traffic) // 2 :])
            parts.wait_until_folded()
            assert worker.poll() is None
            assert_tables(parts, traffic)
