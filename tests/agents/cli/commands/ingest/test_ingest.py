"""`turnfold ingest` sends files of every form to Kafka, and counts what became of them."""

import gzip
import signal
import time
import uuid
from pathlib import Path

import msgspec
import orjson
import pyarrow as pa
import pytest
from pyarrow import parquet

from pipeline.config.settings import Settings
from pipeline.kafka.group import read_lag
from pipeline.kafka.topics import create_topics, find_topics
from tests.agents.cli.command import WITHIN, start, turnfold
from tests.aws_server import Aws
from tests.events import raw

ENTRIES = [raw(requestId=f"request-{number}", sessionId=f"session-{number % 7}") for number in range(50)]


@pytest.fixture
def settings(kafka_settings: Settings) -> Settings:
    """Kafka with its topics."""
    create_topics(kafka_settings)
    return kafka_settings


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Valid entries, one a line."""
    path = tmp_path / "entries.jsonl"
    path.write_bytes(b"\n".join(ENTRIES) + b"\n")
    return path


def ends(settings: Settings) -> dict[str, int]:
    """Records by topic."""
    found = dict.fromkeys([topic.name for topic in settings.topics], 0)
    for lag in read_lag(settings):
        found[lag.topic] += lag.end
    return found


def test_entries_are_sent_and_counted(settings: Settings, file: Path) -> None:
    found = turnfold(settings, "ingest", "--wait=0", str(file))
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("sent 50, dead 0, failed 0 in ")
    assert ends(settings) == {settings.topic_raw: 0, settings.topic_turns: 50, settings.topic_dead: 0}


def test_counts_are_told_as_json(settings: Settings, file: Path, tmp_path: Path) -> None:
    packed = tmp_path / "more.gz"
    packed.write_bytes(gzip.compress(b"\n".join([*ENTRIES[:2], b"", b"{", b"x" * 5_000_000])))
    found = turnfold(settings, "ingest", "--wait=0", "--json", str(file), str(packed))
    said = orjson.loads(found.out)
    assert {name: said[name] for name in ("sent", "entries", "dead", "failed", "stopped")} == {
        "sent": 54, "entries": 52, "dead": 2, "failed": 1, "stopped": "",
    }  # fmt: skip
    assert said["last"] == f"{packed}:5"


def test_what_cannot_be_sent_is_named_and_fails_the_command(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(ENTRIES[0] + b"\n" + b"x" * 5_000_000 + b"\n" + ENTRIES[1])
    found = turnfold(settings, "ingest", "--wait=0", str(path))
    assert found.status == 1
    assert found.err == f"{path}:2: 5000000 bytes, where TURNFOLD_MAX_MESSAGE_BYTES allows 4194304\n"
    assert found.out.startswith("sent 2, dead 0, failed 1 in ")


def test_many_failures_are_counted_and_not_all_told(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes((b"x" * 2000 + b"\n") * 100)
    found = turnfold(msgspec.structs.replace(settings, max_message_bytes=1024), "ingest", "--wait=0", str(path))
    assert found.status == 1
    assert found.err.count("bad.jsonl:") == 20
    assert found.err.endswith("further failures are only counted\n")
    assert "failed 100" in found.out


def test_dead_letters_fail_nothing_and_say_where_to_look(settings: Settings) -> None:
    found = turnfold(settings, "ingest", "--wait=0", "-", stdin=b"not json\n\n" + ENTRIES[0])
    assert found.status == 0
    assert found.out.startswith("sent 3, dead 2, failed 0 in ")
    assert "turnfold status" in found.err


def test_without_topics_nothing_is_sent_and_none_is_created(kafka_settings: Settings, file: Path) -> None:
    """A broker may create whatever is written to, in a shape of its own."""
    found = turnfold(kafka_settings, "ingest", "--wait=0", str(file))
    assert (found.status, found.out) == (2, "")
    assert "`turnfold migrate` creates what is missing" in found.err
    assert find_topics(kafka_settings) == {}


def test_a_missing_file_is_told_before_any_other_is_sent(settings: Settings, file: Path, tmp_path: Path) -> None:
    found = turnfold(settings, "ingest", "--wait=0", str(file), str(tmp_path / "none"))
    assert (found.status, found.err) == (
        2,
        f"turnfold: {tmp_path / 'none'} cannot be read: No such file or directory\n",
    )
    assert sum(ends(settings).values()) == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_live_stream_is_sent_as_it_comes_and_a_signal_ends_it_with_its_counts(
    settings: Settings, number: int
) -> None:
    with start(settings, "ingest", "--wait=0", "-") as process:
        assert process.stdin
        process.stdin.write(b"\n".join(ENTRIES[:3]) + b"\n")
        process.stdin.flush()
        deadline = time.monotonic() + WITHIN
        while ends(settings)[settings.topic_turns] < 3:
            assert time.monotonic() < deadline
        process.send_signal(number)
        out, err = process.communicate(timeout=WITHIN)
    assert process.returncode == 128 + number
    assert out.startswith(b"sent 3, dead 0, failed 0 in ")
    assert err.startswith(b"stopped after -:3: interrupted")


def test_parquet_is_read_as_backfill_reads_it(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "entries.parquet"
    parquet.write_table(pa.table({"@message": [entry.decode() for entry in ENTRIES]}), path)
    found = turnfold(settings, "ingest", "--wait=0", str(path))
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("sent 50, dead 0, failed 0 in ")
    assert ends(settings)[settings.topic_turns] + ends(settings)[settings.topic_raw] == 50


def test_objects_of_s3_are_sent_as_files_are(settings: Settings, aws_environment: Aws, file: Path) -> None:
    s3, bucket = aws_environment.client("s3"), f"bucket-{uuid.uuid4()}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="logs/1", Body=file.read_bytes())
    s3.put_object(Bucket=bucket, Key="logs/2.gz", Body=gzip.compress(ENTRIES[0] + b"\n{"))
    found = turnfold(settings, "ingest", "--wait=0", "--json", str(file), f"s3://{bucket}/logs/")
    said = orjson.loads(found.out)
    assert (said["sent"], said["entries"], said["dead"], said["last"]) == (102, 101, 1, f"s3://{bucket}/logs/2.gz:2")
    assert ends(settings) == {settings.topic_raw: 1, settings.topic_turns: 101, settings.topic_dead: 0}


@pytest.mark.usefixtures("aws_environment")
def test_a_missing_bucket_is_told_before_any_file_is_sent(settings: Settings, file: Path) -> None:
    found = turnfold(settings, "ingest", "--wait=0", str(file), "s3://no-such-bucket/logs")
    assert (found.status, found.out) == (2, "")
    assert "AWS has no bucket no-such-bucket" in found.err
    assert sum(ends(settings).values()) == 0
