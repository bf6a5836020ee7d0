"""Send the log entries in received inputs to the turns topic, and what is none to the dead letters."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.quick import KeyedEntry, quick_entries
from pipeline.ingest.routing import RoutedEntry, dead_letter, sort_record
from pipeline.kafka.producer.deliveries import Delivery, DeliveryProducer, OutgoingRecord
from pipeline.runtime.errors import InvalidEventError, Reason
from schemas.dead_letter import DeadLetter

STEP = "receive"
MAX_RECORD = 1_048_576
"""Bytes of a record of Firehose, with some room; all that is in it may unpack to 16 times as much."""
LINE_END = b"\r\n"


class ReceivedInput(msgspec.Struct, gc=False):
    """An input that came in no topic: `topic` names its operation, `offset` is its number in its request."""

    topic: str
    offset: int
    value: bytes | None
    partition: int = 0


@dataclass(slots=True)
class PublishCounts:
    """Log entries and dead letters of a request."""

    entries: int = 0
    dead: int = 0


class Publisher:
    """Sends inputs. Entries and dead letters get the topics, keys, headers and redaction that a worker gives them."""

    def __init__(self, settings: Settings, producer: DeliveryProducer, max_bytes: int) -> None:
        """Read inputs of at most `max_bytes`, and no more than fits in a message of Kafka."""
        self._settings, self._producer = settings, producer
        self._decoder = replace(EventDecoder.of(settings), message_bytes=min(max_bytes, settings.max_message_bytes))

    def publish(self, received: ReceivedInput, delivery: Delivery, counts: PublishCounts) -> None:
        """Send all that is in an input, and add it to `counts`.

        Raises:
            KafkaSlowError: Kafka does not take it in time.
        """
        if (value := received.value or b"").startswith(b"{"):
            received.value = value.rstrip(LINE_END)  # an entry alone in its record is the same as one of several
        if not self.publish_quick(received.value or b"", delivery, counts):
            self._producer.send(delivery, self._sorted(received, counts))

    def publish_quick(self, value: bytes, delivery: Delivery, counts: PublishCounts) -> bool:
        """Send an input that holds Lex V2 entries in a usual form, or else do nothing and return False.

        Raises:
            KafkaSlowError: Kafka does not take it in time.
        """
        entries = quick_entries(value, self._decoder)
        if entries is None:
            return False
        counts.entries += len(entries)
        self._producer.send(delivery, map(self._entry, entries))
        return True

    def publish_dead(self, received: ReceivedInput, problem: str, delivery: Delivery, counts: PublishCounts) -> None:
        """Send an input as a dead letter, for this problem of what is around it.

        Raises:
            KafkaSlowError: Kafka does not take it in time.
        """
        counts.dead += 1
        invalid = InvalidEventError(Reason.BAD_ENVELOPE, problem)
        letter = dead_letter(received, *self._decoder.redact_dead_letter(invalid, received.value or b""), STEP)
        self._producer.send(delivery, (dead_record(letter, self._settings),))

    def _sorted(self, received: ReceivedInput, counts: PublishCounts) -> Iterator[OutgoingRecord]:
        for content in sort_record(received, self._decoder, STEP):
            if isinstance(content, RoutedEntry):
                counts.entries += 1
                yield self._entry((content.session_id, content.raw))
            else:
                counts.dead += 1
                yield dead_record(content, self._settings)

    def _entry(self, entry: KeyedEntry) -> OutgoingRecord:
        session_id, raw = entry
        return OutgoingRecord(self._settings.topic_turns, session_id.encode(), raw, [])


def dead_record(letter: DeadLetter, settings: Settings) -> OutgoingRecord:
    """Return the message of a dead letter, which the topic of dead letters takes."""
    letter = letter.truncate(settings.max_message_bytes)
    return OutgoingRecord(settings.topic_dead, None, letter.payload, letter.headers())


def replacement(settings: Settings, refused: OutgoingRecord, why: str) -> OutgoingRecord | None:
    """Return the dead letter of an entry that is too large for Kafka, or a smaller one of a dead letter that is."""
    if refused.topic == settings.topic_dead:
        letter = DeadLetter.from_record(refused.value, refused.headers)
        return dead_record(letter.truncate(len(letter.payload) // 2), settings) if letter.payload else None
    detail = f"{len(refused.value)} bytes and their key: {why}"
    letter = DeadLetter(Reason.TOO_LARGE.value, detail, STEP, refused.topic, 0, 0, refused.value)
    return dead_record(letter, settings)
