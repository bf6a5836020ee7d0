"""Inject every kind of fault into a running Turnfold, and count what its tables lack in the end.

    python -m tests.chaos.run [--minutes 3] [--seed 1] [--brokers 3]

Apache Kafka, ClickHouse's engine behind a proxy, and workers run on this machine. Meanwhile producers that disagree on
partitions, codecs and keys send messages, in transactions and outside of them; some transactions are aborted, and some
messages are broken or hostile. At random times workers are killed, stopped, frozen past their session time-out and
woken, brokers are killed and restarted, partitions are added, and ClickHouse is killed, slow, or answers errors. In the
end all faults stop, the workers catch up, and each conversation is compared with the slow fold of what was sent. Exit
status 0 means that they are equal.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import orjson

from pipeline.config.settings import Settings
from tests import apache
from tests.chaos.faults import Faults
from tests.chaos.feed import Feed
from tests.chaos.verdict import Verdict, judge
from tests.integration.component_stack import component_stack
from tests.integration.proxy import proxy
from tests.integration.traffic import lines

EVENTS_A_SECOND = 100
EVENTS_A_CONVERSATION = 5
PARTITIONS = 4
BROKERS = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000"}
FED_WITHIN, FOLDED_WITHIN = 600.0, 600.0


class Report(msgspec.Struct):
    """The numbers of sent messages and injected faults, and the verdict."""

    seconds: float
    sent: dict[str, int]
    done: dict[str, int]
    found: Verdict


def main() -> int:
    """Run the harness and print its report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=3)
    parser.add_argument("--keep", type=Path, help="folder for the logs and data, which are kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with cluster_with_faults(folder, options.brokers, options.seed) as faults:
            report = inject_and_judge(faults, 60 * options.minutes, options.seed)
    sys.stdout.buffer.write(orjson.dumps(msgspec.to_builtins(report), option=orjson.OPT_INDENT_2) + b"\n")
    return int(not report.found.good)


@contextmanager
def cluster_with_faults(folder: Path, brokers: int, seed: int) -> Iterator[Faults]:
    """Start all processes into which faults are injected."""
    with apache.cluster(folder / "kafka", brokers, BROKERS) as cluster:
        settings = Settings(
            kafka=tuple(cluster.addresses),
            topic_partitions=PARTITIONS,
            topic_replication=brokers,
            topic_min_insync=max(1, brokers - 1),
            kafka_idempotence=True,
        )
        with component_stack(folder, settings) as parts, proxy(parts.settings.clickhouse) as faults:
            yield Faults(parts, faults, cluster, random.Random(seed))  # noqa: S311 - no secret is made of it


def inject_and_judge(faults: Faults, seconds: float, seed: int) -> Report:
    """Inject faults for the given time, stop all faults, and compare."""
    wanted = max(EVENTS_A_SECOND, int(EVENTS_A_SECOND * seconds))
    traffic = lines(seed, conversations=wanted // EVENTS_A_CONVERSATION)[:wanted]
    feed = Feed(faults.parts.settings, traffic, EVENTS_A_SECOND, seed)
    began = time.monotonic()
    faults.refill()
    feed.start()
    while (left := began + seconds - time.monotonic()) > 0 and not feed.error:
        faults.do()
        faults.refill()
        print(f"{left:4.0f} s left, so far {dict(faults.done)}", file=sys.stderr, flush=True)  # noqa: T201
        time.sleep(faults.chance.uniform(0.2, 3))
    feed.stop()
    heal(faults, feed)
    found = judge(faults.parts, traffic[: feed.fed], feed.buried, len(faults.ended))
    return Report(round(time.monotonic() - began, 1), dict(feed.sent), dict(faults.done), found)


def heal(faults: Faults, feed: Feed) -> None:
    """Wait until all traffic is processed, with enough workers."""
    feed.join(FED_WITHIN)
    assert not feed.is_alive(), "Kafka never acknowledged the traffic"
    assert feed.error is None, f"the feed ended with {feed.error!r}"
    deadline = time.monotonic() + FOLDED_WITHIN
    while faults.parts.lag() or faults.parts.lag():  # intake produces before it commits: 0 twice is the end
        assert time.monotonic() < deadline, f"the workers do not catch up: {faults.parts.lag_by_partition()}"
        faults.refill()
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
