"""Send dead letters to the raw topic again, and mark them as retried."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_admin
from pipeline.kafka.dead_letters.reader import KEY, DeadLetterPlace, DeadLetterRecord, mark
from pipeline.kafka.producer.produce import Producer, SendFailure
from pipeline.kafka.topics import topic_ids
from pipeline.runtime.errors import TransientError

MAX_PER_MARK = 1_000
"""Dead letters in one mark: a retry that is killed sends at most so many again next time, which changes no result."""


class DeadLetterQuery(msgspec.Struct, frozen=True):
    """Conditions that dead letters must meet; an empty or None field accepts all. Times in ms, `until` exclusive."""

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    places: frozenset[DeadLetterPlace] = frozenset()
    since: int | None = None
    until: int | None = None

    def matches(self, record: DeadLetterRecord) -> bool:
        """Return whether `record` meets all conditions. Foreign records have a reason, but no topic and no step."""
        topic, step = (record.letter.topic, record.letter.step) if record.letter else ("", "")
        conditions = (
            (self.reasons, record.reason),
            (self.topics, topic),
            (self.steps, step),
            (self.places, record.place),
        )
        return (
            all(not accepted or actual in accepted for accepted, actual in conditions)
            and (self.since is None or record.timestamp >= self.since)
            and (self.until is None or record.timestamp < self.until)
        )


def retryable(records: Iterable[DeadLetterRecord], query: DeadLetterQuery) -> Iterator[DeadLetterRecord]:
    """Yield those of `records` that match, can be sent again, and were not retried yet."""
    return (
        record
        for record in records
        if record.letter and record.letter.is_sendable and not record.retried and query.matches(record)
    )


def retry_dead_letters(
    settings: Settings, letters: Iterable[DeadLetterRecord], on_failure: Callable[[SendFailure], None]
) -> int:
    """Send the payloads of `letters` to the raw topic, where the intake agent decides anew; return how many were sent.

    A dead letter is marked once Kafka has its payload, so it is sent at least once. If it is still broken, it becomes a
    new dead letter without a mark.

    Raises:
        TransientError: Kafka accepts no more messages, or the topic is recreated meanwhile; the dead letters since the
            last mark are not marked.
    """
    topic_id = _topic_id(settings)
    failed: set[str] = set()

    def note(failure: SendFailure) -> None:
        failed.add(failure.origin)
        on_failure(failure)

    sent, batch = 0, list[DeadLetterPlace]()
    with Producer(settings, on_failure=note) as producer:
        for letter in letters:
            producer.send(settings.topic_raw, None, letter.value, str(letter.place))
            batch.append(letter.place)
            if len(batch) == MAX_PER_MARK:
                sent += _mark(settings, producer, batch, failed, topic_id)
                batch = []
        sent += _mark(settings, producer, batch, failed, topic_id)
    return sent


def _mark(settings: Settings, producer: Producer, batch: list[DeadLetterPlace], failed: set[str], topic_id: str) -> int:
    """Mark the dead letters of `batch` that were sent; return how many."""
    producer.flush()
    if batch and _topic_id(settings) != topic_id:  # the marks would hide other dead letters
        raise TransientError(f"topic {settings.topic_dead} was deleted and recreated; start again")
    sent: dict[int, list[int]] = {}
    for place in batch:
        if str(place) not in failed:
            sent.setdefault(place.partition, []).append(place.offset)
    for partition, offsets in sent.items():
        origin = f"the mark of {len(offsets)} retried dead letters"
        producer.send(settings.topic_dead, KEY, mark(offsets), origin, partition=partition)
    producer.flush()
    return sum(map(len, sent.values()))


def _topic_id(settings: Settings) -> str:
    with open_admin(settings) as kafka:
        return topic_ids(kafka, [settings.topic_dead]).get(settings.topic_dead, "")
