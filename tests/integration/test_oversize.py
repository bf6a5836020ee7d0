"""Whatever Kafka holds decompressed, its dead letter fits, and says how much it lacks."""

import pytest
from confluent_kafka import Producer as Librdkafka
from kafka.admin import ConfigResource, ConfigResourceType

from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.dead_letters.reader import DeadLetterRecord, read_dead_letters
from pipeline.kafka.dead_letters.retry import DeadLetterQuery, retryable
from tests.broker_matrix import ON_APACHE
from tests.effort import IN_SEARCH
from tests.events import raw
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables

SIZES = (4_190_000, 4_290_000, 5_000_000, 40_000_000)
"""Just below what a message may have, where it is added to the headers' room, beyond it, and far beyond it."""
BOMB = 70_000_000


@pytest.fixture
def letters(parts: ComponentStack) -> list[DeadLetterRecord]:
    """Those of events of these sizes, sent to both topics in batches of some kilobytes."""
    options = {"bootstrap.servers": ",".join(parts.settings.kafka), "compression.codec": "gzip", "linger.ms": 0}
    producer = Librdkafka({**options, "message.max.bytes": 200_000_000})
    good = [raw(requestId=topic) for topic in (parts.settings.topic_raw, parts.settings.topic_turns)]
    for topic, line in zip((parts.settings.topic_raw, parts.settings.topic_turns), good, strict=True):
        for size in (*SIZES, BOMB):
            producer.produce(topic, raw(inputTranscript="x" * size), key=b"session-1", headers={"k": "v" * 9_000})
            assert producer.flush(60) == 0
        producer.produce(topic, line, key=b"session-1")
        assert producer.flush(60) == 0
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, good)
    # a worker that sends again what it cannot know to be sent doubles letters
    found = {(one.letter.topic, one.letter.offset): one for one in read_dead_letters(parts.settings) if one.letter}
    return list(found.values())


@IN_SEARCH
def test_every_letter_fits_and_says_what_it_lacks(letters: list[DeadLetterRecord]) -> None:
    assert [one.reason for one in letters] == ["too-large"] * 2 * (len(SIZES) + 1)
    whole = sorted(len(raw(inputTranscript="x" * size)) for size in SIZES for _ in range(2))
    records = [one.letter for one in letters if one.letter and one.letter.last_offset is None]
    assert sorted(len(one.payload) + (one.lacking or 0) for one in records) == whole
    assert sorted(one.lacking is None for one in records) == [False] * 6 + [True] * 2
    batches = [one.letter for one in letters if one.letter and one.letter.last_offset is not None]
    assert [one.last_offset for one in batches] == [one.offset for one in batches]
    assert len(batches) == 2
    assert len(list(retryable(letters, DeadLetterQuery()))) == 2


@ON_APACHE
def test_a_topic_that_takes_less_than_it_should_has_letters_that_are_cut_further(parts: ComponentStack) -> None:
    settings = parts.settings
    take(parts, settings.topic_dead, 50_000)
    take(parts, settings.topic_turns, 80_000)
    noise = [bytes(range(33, 91)).decode() * 1_500 for _ in range(2)]  # 87 kB, a message of which is not compressed
    parts.send([raw(inputTranscript=noise[0]).replace(b"2.0", b"9.0"), raw(inputTranscript=noise[1]), raw()])
    parts.start_worker()
    parts.wait_until_folded()
    assert_tables(parts, [raw()])
    found = [one.letter for one in read_dead_letters(settings)]
    assert sorted(one.reason for one in found if one) == ["too-large", "unsupported-version"]
    assert all(one and one.lacking and len(one.payload) + one.lacking > 87_000 for one in found)


def take(parts: ComponentStack, topic: str, size: int) -> None:
    """Have the topic take no larger messages."""
    with open_admin(parts.settings) as kafka:
        kafka.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(size)})])
