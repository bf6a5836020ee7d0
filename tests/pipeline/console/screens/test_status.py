"""The status of the pipeline, for keys with the right `admin`; Kafka that does not answer is no error of the page."""

from pathlib import Path

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.console.screens import status
from pipeline.console.screens.status import TopicState, topic_states
from pipeline.kafka.partition_lag import PartitionLag
from schemas.access_key import Right
from tests.brokers import Broker, unused
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.console.site import console


def test_partitions_are_added_up() -> None:
    lags = [
        PartitionLag("turns", 0, 5, 20, 15, 20),
        PartitionLag("turns", 1, 0, 7, 7, 7),
        PartitionLag("turns.dead", 0, 0, 3, None, 3),
    ]
    assert topic_states(lags, Settings()) == [TopicState("turns", 2, 22, 5), TopicState("turns.dead", 1, 3, None)]


def test_without_kafka_the_page_says_so(with_tables: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "PATIENCE_S", 0.5)
    with console(msgspec.structs.replace(with_tables, kafka=("127.0.0.1:1",))) as away:
        answer = away.get("/console/status?wait=yes")
    assert answer.status_code == 200
    assert "Kafka cannot be asked from here" in answer.text
    assert "There is no conversation yet" in answer.text


def test_topics_are_shown(with_tables: Settings, embedded_broker: Broker) -> None:
    settings = unused(msgspec.structs.replace(with_tables, kafka=(embedded_broker.address,)))
    with console(settings) as site:
        assert '<table class="rows narrow">' in site.get("/console/status?wait=yes").text


def test_it_needs_the_right(with_tables: Settings, tmp_path: Path) -> None:
    reader = bearing(bots=("*",), rights=(Right.LIST,))
    keys = kept(tmp_path / "keys", reader)
    with console(msgspec.structs.replace(with_tables, api_keys=str(keys))) as site:
        login = site.post("/console/login", data={"token": reader.credential}).cookies["turnfold_login"]
        site.cookies.set("turnfold_login", login)
        assert site.get("/console/status").status_code == 403
        assert "status of the pipeline" not in site.get("/console/").text
