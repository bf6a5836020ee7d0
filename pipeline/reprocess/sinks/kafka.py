"""Send raw inputs to the topics where live traffic would have put them."""

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.entry_lines import find_entry_lines
from pipeline.ingest.files.entry_runs import LineCheck
from pipeline.ingest.files.reader import InputLines
from pipeline.ingest.routing import Destination, route
from pipeline.kafka.producer.produce import Producer, SendFailure
from pipeline.reprocess.batch import MAX_PROBLEMS, DecodedInputs, InputBatch


class Tally(msgspec.Struct):
    """Counts of what was sent: `inputs`, and in them `entries` valid log entries and `dead` others."""

    inputs: int = 0
    entries: int = 0
    dead: int = 0


class Feed:
    """Sends inputs to the topics of the settings."""

    def __init__(self, settings: Settings, producer: Producer) -> None:
        self._decoder = EventDecoder.of(settings)
        self._producer = producer
        self._topics = {Destination.TURNS: settings.topic_turns, Destination.RAW: settings.topic_raw}
        self.tally = Tally()

    @property
    def line_check(self) -> LineCheck | None:
        """A check that finds log entries for `put_lines`; None if entries are redacted, which `put` does."""
        if self._decoder.redaction is not None:
            return None
        limit = min(self._decoder.message_bytes, self._decoder.event_bytes)
        return lambda block: find_entry_lines(block, limit)

    def put_lines(self, lines: InputLines) -> int:
        """Send inputs that the check has found, like `put`; return how many were sent before Kafka accepts no more.

        Raises:
            TransientError: Kafka accepts no more messages; none was sent.
        """
        count = self._producer.send_keyed(self._topics[Destination.TURNS], lines.keys, lines.texts, lines.origin)
        self.tally.inputs += count
        self.tally.entries += count
        return count

    def put(self, raw: bytes, origin: str = "") -> None:
        """Send one input; `origin` describes its source in failures.

        Raises:
            TransientError: Kafka accepts no more messages.
        """
        message = route(raw, self._decoder)
        self._producer.send(self._topics[message.destination], message.key, message.value, origin)
        self.tally.inputs += 1
        self.tally.entries += message.entries
        self.tally.dead += message.dead


class KafkaSink:
    """Sends the inputs of batches to Kafka, where workers process them."""

    def __init__(self, settings: Settings) -> None:
        """Connect.

        Raises:
            TransientError: Kafka does not answer.
        """
        self._failures: list[SendFailure] = []
        self._producer = Producer(settings, on_failure=self._failures.append)
        self._feed = Feed(settings, self._producer)

    def __call__(self, batch: InputBatch) -> DecodedInputs:
        """Send `batch`, and return counts as the workers will count it; may be repeated.

        Raises:
            TransientError: Kafka accepts no more messages.
        """
        sent = DecodedInputs([], [])
        before = (self._feed.tally.entries, self._feed.tally.dead)
        for raw in batch.raws:
            if raw.problem:
                sent.problems.append(f"{raw.origin}: {raw.problem}")
            else:
                self._feed.put(raw.data, raw.origin)
            sent.bytes += len(raw.data)
        self._producer.flush()
        sent.problems += [f"{failure.origin}: {failure.reason}" for failure in self._failures]
        self._failures.clear()
        sent.valid = self._feed.tally.entries - before[0]
        sent.dead = self._feed.tally.dead - before[1]
        sent.failed = len(sent.problems)
        sent.problems = sent.problems[:MAX_PROBLEMS]
        return sent

    def close(self) -> None:
        """Close the connections."""
        self._producer.close()
