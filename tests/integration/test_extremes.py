"""Events that nobody expects: enormous ones, 100,000 in one conversation, clocks that run backwards, years off."""

import hashlib
import random
import subprocess
from pathlib import Path

import orjson

from pipeline.kafka.dead_letters.reader import DeadLetterPlace, read_dead_letter
from pipeline.kafka.producer.produce import Producer, SendFailure
from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH, examples
from tests.events import START, entry, iso, raw
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import PATIENCE, TURNFOLD
from tests.integration.tables import assert_tables
from tests.integration.traffic import conversation

DAY_MS = 86_400_000
ONE_AT_A_TIME = {"TURNFOLD_FLUSH_EVENTS": "1", "TURNFOLD_FLUSH_SECONDS": "0.001"}
ROW = """
SELECT turns, version, toUnixTimestamp64Milli(start) AS began, toUnixTimestamp64Milli(end) AS ended
FROM turnfold.conversations FINAL
SETTINGS output_format_json_quote_64bit_integers = 0
"""


def sized(size: int, **members: object) -> bytes:
    """An entry of exactly `size` bytes that does not compress."""
    bare = raw(inputTranscript="", **members)
    noise = random.Random(size).randbytes(size).hex()  # noqa: S311 - no secret is made of it
    return raw(inputTranscript=noise[: size - len(bare)], **members)


def test_an_enormous_event_is_folded_up_to_the_limit_and_kept_whole_beyond_it(parts: ComponentStack) -> None:
    """The limit for an event, one byte more, and the largest message that Kafka takes, through both topics."""
    limit, most = parts.settings.max_event_bytes, parts.settings.max_message_bytes - 1_024  # Kafka's own share
    fits = [sized(limit, requestId="raw"), sized(limit, requestId="turns", timestamp=iso(START + 1))]
    beyond = [sized(limit + 1), sized(most), b"[" * most]
    failures: list[SendFailure] = []
    parts.start_worker()
    with Producer(parts.settings, on_failure=failures.append) as producer:
        for topic, line in [
            *((parts.settings.topic_raw, line) for line in (fits[0], *beyond)),
            *((parts.settings.topic_turns, line) for line in (fits[1], *beyond)),
        ]:
            producer.send(topic, b"session-1", line)
        producer.flush()
    assert failures == []
    parts.wait_until_folded()
    assert_tables(parts, fits)
    letters = [read_dead_letter(parts.settings, DeadLetterPlace(0, offset)) for offset in range(2 * len(beyond))]
    assert sorted(map(digest, (letter.value for letter in letters))) == sorted(map(digest, beyond * 2))
    assert {letter.reason for letter in letters} == {"too-large", "too-deep"}  # the brackets, where they are opened


def digest(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


@IN_SEARCH
def test_what_is_too_large_for_kafka_is_said_before_it_is_sent(parts: ComponentStack, tmp_path: Path) -> None:
    parts.start_worker()
    (tmp_path / "large").write_bytes(sized(parts.settings.max_message_bytes + 1) + b"\n" + raw())
    command = [*TURNFOLD, "ingest", "--json", str(tmp_path / "large")]
    told = subprocess.run(command, env=parts.environ, capture_output=True, timeout=PATIENCE, check=False)
    assert told.returncode == 1
    assert b"large:1: " in told.stderr
    outcome = orjson.loads(told.stdout)
    assert {name: outcome[name] for name in ("sent", "failed", "dead")} == {"sent": 1, "failed": 1, "dead": 0}


@IN_SEARCH
@ON_EMBEDDED
def test_a_conversation_of_very_many_turns(parts: ComponentStack) -> None:
    """It arrives in many batches, partly out of order, and each of them folds it anew; 100,000 in `make search`."""
    count = examples(100_000)
    small = entry()
    for member in ("messages", "inputTranscript", "missedUtterance"):
        del small[member]
    lines = [
        orjson.dumps(small | {"requestId": f"request-{number}", "timestamp": iso(START + 1000 * number)})
        for number in range(1, count + 1)
    ]
    chance = random.Random(1)  # noqa: S311 - no secret is made of it
    order = sorted(range(count), key=lambda number: number + chance.gauss(0, 200))
    with Producer(parts.settings, on_failure=print) as producer:
        for number in order:
            producer.send(parts.settings.topic_turns, b"session-1", lines[number])
        producer.flush()
    parts.start_worker(TURNFOLD_FLUSH_EVENTS="10000", TURNFOLD_FLUSH_SECONDS="0.001")
    parts.wait_until_folded()
    (row,) = parts.answers(ROW)
    assert row == {"turns": count, "version": count, "began": START + 1000, "ended": START + 1000 * count}
    parts.run("audit", "--pause=0.5")


@IN_SEARCH
@ON_EMBEDDED
def test_clocks_that_run_backwards_or_leap(parts: ComponentStack) -> None:
    """Every event moves the start, over the borders of months and years: no row of an earlier start may show."""
    lines = [
        raw(sessionId=f"session-{step}", requestId=f"request-{n}", timestamp=iso(START + step * n))
        for n in range(1, 1 + examples(16, share=2))
        for step in (-1_000, -40 * DAY_MS, 40 * DAY_MS)
    ]
    parts.start_worker(**ONE_AT_A_TIME)
    for first in range(0, len(lines), 3):
        parts.send(lines[first : first + 3])
    parts.wait_until_folded()
    assert_tables(parts, lines)
    parts.run("audit", "--pause=0.5")
    parts.ask("OPTIMIZE TABLE turnfold.conversations FINAL")
    assert_tables(parts, lines)


@IN_SEARCH
@ON_EMBEDDED
def test_events_a_year_early_or_late(parts: ComponentStack) -> None:
    """One clock in ten is a year off, either way; the events come in any order and are all sent twice."""
    chance = random.Random(4)  # noqa: S311 - no secret is made of it
    events = [one for number in range(examples(60, share=2)) for one in conversation(chance, number)]
    lines = []
    for place, one in enumerate(events):
        off = chance.choice((-365, 365)) * DAY_MS if chance.random() < 0.1 else 0
        lines.append(orjson.dumps(one | {"timestamp": iso(START + place * 60_000 + off)}))
    parts.start_worker(TURNFOLD_FLUSH_EVENTS="20", TURNFOLD_FLUSH_SECONDS="0.01")
    for _ in range(2):
        chance.shuffle(lines)
        parts.send(lines)
    parts.wait_until_folded()
    assert_tables(parts, lines)
    parts.run("audit", "--pause=0.5")
