import http.client
import logging
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.config.settings import Settings
from pipeline.receive.app import create_app
from pipeline.runtime.sockets import free_port
from schemas.access_key import Right
from tests.events import raw
from tests.pipeline.http.raw import until
from tests.pipeline.http.serving import client, serving
from tests.pipeline.receive.receiving import Receiver, receiving, token_for
from tests.pipeline.receive.sending import body_of, headers


def test_it_is_ready_once_kafka_has_the_topics(receiver: Receiver) -> None:
    assert receiver.client.ask("GET", "/healthz").body == {"status": "alive"}
    assert receiver.client.ask("GET", "/readyz").body == {"status": "ready"}


def test_without_kafka_it_is_alive_and_not_ready(tmp_path: Path) -> None:
    away = Settings(kafka=(f"127.0.0.1:{free_port()}",))
    with receiving(away, tmp_path, topics=False) as receiver:
        assert receiver.client.ask("GET", "/healthz").status == 200
        answer = receiver.client.ask("GET", "/readyz")
        assert answer.status == 503
        assert "Kafka does not answer" in answer.body["message"]


def test_without_topics_it_is_not_ready(kafka_settings: Settings, tmp_path: Path) -> None:
    with receiving(kafka_settings, tmp_path, topics=False) as receiver:
        assert "turnfold migrate" in receiver.client.ask("GET", "/readyz").body["message"]


def test_metrics_count_requests_and_events(receiver: Receiver, tmp_path: Path) -> None:
    receiver.client.ask("POST", "/firehose", body_of(raw(), b"no entry"), headers(receiver.token))
    admin = token_for(tmp_path / "keys.json", Right.ADMIN)
    connection = http.client.HTTPConnection(urlsplit(receiver.url).netloc, timeout=30)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {admin}"})
    text = connection.getresponse().read().decode()
    connection.close()
    assert 'turnfold_requests_total{operation="Firehose",status="200"} 1.0' in text
    assert 'turnfold_received_total{kind="entry",operation="Firehose"} 1.0' in text
    assert 'turnfold_received_total{kind="dead",operation="Firehose"} 1.0' in text
    assert "turnfold_receive_held_bytes 0.0" in text
    assert receiver.client.ask("GET", "/metrics", headers={"Authorization": f"Bearer {receiver.token}"}).status == 403


AUDIT = "turnfold.audit"


def test_the_audit_log_has_the_key_and_the_number_of_entries(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    receiver.client.ask("POST", "/firehose", body_of(raw(), raw()), headers(receiver.token))
    until(lambda: any(record.name == AUDIT for record in caplog.records))  # it is written when the answer has left
    (record,) = [record for record in caplog.records if record.name == AUDIT]
    assert vars(record)["operation"] == "Firehose"
    assert vars(record)["rows"] == 2
    assert vars(record)["key"] in receiver.token
    assert receiver.token not in caplog.text


def test_other_paths_name_those_that_there_are(receiver: Receiver) -> None:
    for method, path in (("GET", "/"), ("GET", "/events"), ("POST", "/firehose/")):
        answer = receiver.client.ask(method, path)
        assert answer.status in {404, 405}
        assert "POST /firehose and POST /events" in answer.body["message"]


def test_without_keys_only_this_machine_is_answered(kafka_settings: Settings) -> None:
    with serving(create_app(kafka_settings), kafka_settings) as url, client(url) as sender:
        assert sender.ask("POST", "/events", raw(), {"Host": "evil.example"}).status == 403
