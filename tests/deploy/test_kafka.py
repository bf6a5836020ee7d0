"""Apache Kafka from its artifacts, as `deploy/kafka/cluster.py` starts it for whoever types that."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from deploy.kafka import cluster as module
from deploy.kafka.cluster import HERE, HOST
from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics, find_topics
from tests import apache
from tests.effort import IN_SEARCH
from tests.paths import ROOT
from tests.secured_kafka import SecuredKafka

WITHIN = 120.0


def command(data: Path, port: int) -> list[str]:
    return [sys.executable, str(HERE / "cluster.py"), "--data", str(data), "--port", str(port)]


def topics_of(address: str, create: str) -> list[str]:
    admin = KafkaAdminClient(bootstrap_servers=[address])
    admin.create_topics({create: {"num_partitions": 1, "replication_factor": 1}})
    names = [name for name in admin.list_topics() if not name.startswith("__")]
    admin.close()
    return names


LISTING = "import sys; from kafka import KafkaAdminClient as A; print(A(bootstrap_servers=sys.argv[1:]).list_topics())"


@pytest.mark.apache
def test_it_says_where_it_is_stops_when_told_and_goes_on_with_what_it_held(tmp_path: Path) -> None:
    apache.require()
    port = apache.new_port()
    with subprocess.Popen(command(tmp_path, port), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"ready: TURNFOLD_KAFKA={HOST}:{port}; Ctrl-C stops it\n"
        assert topics_of(f"{HOST}:{port}", "first") == ["first"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN) == 0
    program = f"{LISTING}; sys.exit(7)"
    ended = subprocess.run(
        [*command(tmp_path, port), "--run", sys.executable, "-c", program, f"{HOST}:{port}"],
        capture_output=True, text=True, timeout=WITHIN, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stdout) == (7, "['first']\n")
    left = [folder for folder in Path("/proc").glob("[0-9]*") if str(tmp_path).encode() in words(folder)]
    assert left == []


def words(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""


@IN_SEARCH
@pytest.mark.apache
def test_a_port_in_use_is_told_with_kafkas_last_words(tmp_path: Path, apache_kafka: SecuredKafka) -> None:
    port = apache_kafka.ports["PLAINTEXT"]
    ended = subprocess.run(command(tmp_path, port), capture_output=True, text=True, timeout=WITHIN, check=False)
    assert ended.returncode == 1
    assert "node-1.log ends with:" in ended.stderr
    assert "Address already in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_java_or_kafka_it_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TARGET", tmp_path)
    with pytest.raises(module.StartError, match="make kafka"):
        module.java("kafka.Kafka")
    (tmp_path / "fetched").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(module.StartError, match="Java 17"):
        module.java("kafka.Kafka")


def test_the_settings_for_three_brokers_are_settings() -> None:
    lines = [line for line in (HERE / "three.env").read_text().splitlines() if line and not line.startswith("#")]
    settings = load_settings(dict(line.split("=", 1) for line in lines))
    assert settings.kafka == tuple(f"{HOST}:{port}" for port in (9092, 9093, 9094))
    assert {(topic.replication, topic.min_insync) for topic in settings.topics} == {(3, 2)}
    assert settings.kafka_idempotence


@IN_SEARCH
@pytest.mark.apache
def test_three_brokers_hold_topics_as_the_settings_say(tmp_path: Path) -> None:
    with apache.cluster(tmp_path, brokers=3) as cluster:
        settings = Settings(kafka=tuple(cluster.addresses), topic_replication=3, topic_min_insync=2)
        assert len(create_topics(settings).created) == 3
        assert create_topics(settings).differences == ()
        found = find_topics(settings)
        for topic in settings.topics:
            assert found[topic.name].replication == 3
            assert found[topic.name].config["min.insync.replicas"] == "2"
        careless = Settings(kafka=tuple(cluster.addresses), topic_replication=3, topic_min_insync=1)
        assert f"topic {settings.topic_turns} has min.insync.replicas=2, the settings say 1" in (
            create_topics(careless).differences
        )


@pytest.mark.parametrize(("tools", "ci"), [("", ""), ("", "true"), ("java mvn", "")])
def test_make_test_fetches_kafka_where_it_can_be_used_and_in_ci_where_it_must(
    tmp_path: Path, tools: str, ci: str
) -> None:
    """A look at what make would do; nothing is run."""
    for tool in ("make", "sh", *tools.split()):
        (tmp_path / tool).symlink_to(shutil.which(tool) or "/bin/sh")
    asked = ["make", "--dry-run", "--always-make", "test"]
    environ = {"PATH": str(tmp_path), "CI": ci}
    said = subprocess.run(asked, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=True).stdout
    assert ("mvn" in said) == bool(tools or ci)


def test_in_ci_what_is_missing_fails_and_elsewhere_it_skips(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs Java 17 and Maven, and there is no java and no mvn here"):
        apache.require()
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="in CI it is required"):
        apache.require()
