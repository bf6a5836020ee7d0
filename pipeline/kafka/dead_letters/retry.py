"""Dead letters in; each sent to the raw topic once more and marked so, and how many of them, out."""

from collections.abc import Callable, Iterable, Iterator

import msgspec

from pipeline.config.settings import Settings
from pipeline.kafka.dead_letters.reader import KEY, DeadLetterPlace, DeadLetterRecord, mark
from pipeline.kafka.produce import Producer, SendFailure

LETTERS_A_MARK = 1_000
"""A retry that dies sends at most so many letters again the next time, which changes no answer."""


class DeadLetterQuery(msgspec.Struct, frozen=True):
    """Which letters are asked for; what is empty or None asks for all. Times in milliseconds, `until` exclusive."""

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    places: frozenset[DeadLetterPlace] = frozenset()
    since: int | None = None
    until: int | None = None

    def fits(self, record: DeadLetterRecord) -> bool:
        """Whether `record` is one of them. What Turnfold did not write has a reason, but no topic and no step."""
        topic, step = (record.letter.topic, record.letter.step) if record.letter else ("", "")
        asked = (self.reasons, record.reason), (self.topics, topic), (self.steps, step), (self.places, record.place)
        return (
            all(not wanted or has in wanted for wanted, has in asked)
            and (self.since is None or record.timestamp >= self.since)
            and (self.until is None or record.timestamp < self.until)
        )


def retryable(records: Iterable[DeadLetterRecord], wanted: DeadLetterQuery) -> Iterator[DeadLetterRecord]:
    """Those of `records` that are wanted, can be sent again, and were not yet."""
    return (
        record
        for record in records
        if record.letter and record.letter.is_sendable and not record.retried and wanted.fits(record)
    )


def retry_dead_letters(
    settings: Settings, letters: Iterable[DeadLetterRecord], on_failure: Callable[[SendFailure], None]
) -> int:
    """Send the raw bytes of `letters` to the raw topic, where the intake agent decides anew; the number sent.

    A letter is marked once Kafka has its bytes, so it is sent at least once. What is still broken becomes a new
    dead letter, without a mark.

    Raises:
        TransientError: Kafka takes no more; the letters since the last mark are not marked.
    """
    failed: set[str] = set()

    def note(failure: SendFailure) -> None:
        failed.add(failure.origin)
        on_failure(failure)

    sent, batch = 0, list[DeadLetterPlace]()
    with Producer(settings, on_failure=note) as producer:
        for letter in letters:
            producer.send(settings.topic_raw, None, letter.value, str(letter.place))
            batch.append(letter.place)
            if len(batch) == LETTERS_A_MARK:
                sent += _mark(settings, producer, batch, failed)
                batch = []
        sent += _mark(settings, producer, batch, failed)
    return sent


def _mark(settings: Settings, producer: Producer, batch: list[DeadLetterPlace], failed: set[str]) -> int:
    """Mark those of `batch` that Kafka has; their number."""
    producer.flush()
    sent: dict[int, list[int]] = {}
    for place in batch:
        if str(place) not in failed:
            sent.setdefault(place.partition, []).append(place.offset)
    for partition, offsets in sent.items():
        origin = f"the mark of {len(offsets)} letters that were sent again"
        producer.send(settings.topic_dead, KEY, mark(offsets), origin, partition=partition)
    producer.flush()
    return sum(map(len, sent.values()))
