"""Logs as AWS exports them, in folders of all forms, end in the tables, by Kafka and directly, and where killed."""

import gzip
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.broker_matrix import ON_EMBEDDED
from tests.effort import examples
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE
from tests.integration.tables import assert_tables
from tests.integration.traffic import BROKEN, share_of_lines

pytestmark = [ON_EMBEDDED, pytest.mark.search]  # a share of the traffic in `make test`


@pytest.fixture(scope="module")
def valid() -> list[bytes]:
    """Entries as a bot has logged them."""
    return [line for line in share_of_lines(seed=23, conversations=150) if line not in BROKEN]


def cloudwatch(path: Path, entries: Sequence[bytes]) -> None:
    """CloudWatch's export to S3: a time before each entry, packed."""
    text = b"".join(orjson.loads(one)["timestamp"].encode() + b" " + one + b"\n" for one in entries)
    path.with_suffix(".gz").write_bytes(gzip.compress(text))


def firehose(path: Path, entries: Sequence[bytes]) -> None:
    """What Firehose delivers: one entry behind the other."""
    path.write_bytes(b"".join(entries))


def subscription(path: Path, entries: Sequence[bytes]) -> None:
    """What Firehose delivers of a subscription of CloudWatch Logs: packed envelopes, one behind the other."""
    envelopes = [
        {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": "bot",
            "logStream": "live",
            "subscriptionFilters": ["all"],
            "logEvents": [{"id": str(n), "timestamp": 0, "message": one.decode()} for n, one in enumerate(some)],
        }
        for some in (entries[at : at + 10] for at in range(0, len(entries), 10))
    ]
    path.with_suffix(".gz").write_bytes(b"".join(gzip.compress(orjson.dumps(one)) for one in envelopes))


def json_lines(path: Path, entries: Sequence[bytes]) -> None:
    path.with_suffix(".jsonl").write_bytes(b"\n".join(entries))


def parquet(path: Path, entries: Sequence[bytes]) -> None:
    """A table of log events."""
    table = pa.table({"ingested": list(range(len(entries))), "message": [one.decode() for one in entries]})
    pq.write_table(table, path.with_suffix(".parquet"))


FORMS: tuple[Callable[[Path, Sequence[bytes]], None], ...] = (cloudwatch, firehose, subscription, json_lines, parquet)


def exported(folder: Path, entries: Sequence[bytes]) -> Path:
    """A folder of folders with the entries in all forms, as many of each."""
    for number, form in enumerate(FORMS):
        place = folder / "export" / f"2026-0{number + 1}"
        place.mkdir(parents=True)
        form(place / "000000", entries[number :: len(FORMS)])
    (folder / "export" / "aws-logs-write-test").write_text("Permission Check Successful")
    return folder / "export"


@pytest.mark.parametrize("way", [[], ["--direct"]])
def test_a_folder_of_every_form_is_brought_in_whole(parts: ComponentStack, valid: list[bytes], way: list[str]) -> None:
    worker = parts.start_worker()
    report = parts.report("backfill", *way, str(exported(parts.folder, valid)))
    assert report["counts"]["valid"] == len(valid)
    assert (report["counts"]["dead"], report["counts"]["failed"]) == (0, 0)
    parts.wait_until_folded()
    assert_tables(parts, valid)
    worker.terminate()
    assert worker.wait(PATIENCE) == 0


@pytest.mark.parametrize("way", [[], ["--direct"]])
def test_a_backfill_killed_among_live_traffic_goes_on_and_loses_nothing(
    parts: ComponentStack, valid: list[bytes], way: list[str]
) -> None:
    """The same conversations come live and from files: neither the worker nor the backfill knows what the other has."""
    parts.start_worker()
    folder = exported(parts.folder, valid[::2])
    backfill = parts.start("backfill", *way, f"--limit={examples(200)}", str(folder))
    for first in range(1, len(valid), 20):
        parts.send(valid[first : first + 20 : 2])
        if first > len(valid) // 2 and backfill.poll() is None:
            backfill.send_signal(signal.SIGKILL)
    backfill.wait(PATIENCE)
    report = parts.report("backfill", *way, "--processes=2", str(folder))
    assert report["counts"]["valid"] >= len(valid[::2])
    parts.wait_until_folded()
    assert_tables(parts, valid)


def test_what_is_no_log_entry_is_told_with_its_place_and_the_rest_comes_in(
    parts: ComponentStack, valid: list[bytes]
) -> None:
    path = parts.folder / "mixed.jsonl"
    path.write_bytes(b"\n".join([valid[0], b'{"invocationSource":"DialogCodeHook"}', valid[1]]))
    said = parts.run("backfill", "--direct", str(path))
    assert f"{path}:2: code-hook-event" in said
    assert_tables(parts, valid[:2])


def test_a_link_to_nothing_is_named_and_the_rest_comes_in(parts: ComponentStack, valid: list[bytes]) -> None:
    folder = exported(parts.folder, valid)
    (folder / "2026-03" / "lost.gz").symlink_to("nowhere")
    said = parts.run("backfill", "--direct", str(folder), statuses=(1,))
    assert f"{folder}/2026-03/lost.gz:1: cannot be read: No such file or directory" in said
    assert_tables(parts, valid)
