"""Send raw inputs to the topics where live traffic would have put them."""

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.routing import Destination, route
from pipeline.kafka.produce import Producer, SendFailure
from pipeline.reprocess.batch import TOLD, DecodedInputs, InputBatch


class Tally(msgspec.Struct):
    """What was put so far: `inputs`, and in them `entries` valid log entries and `dead` others."""

    inputs: int = 0
    entries: int = 0
    dead: int = 0


class Feed:
    """Sends inputs to the topics of the settings."""

    def __init__(self, settings: Settings, producer: Producer) -> None:
        self._reading = EventDecoder.of(settings)
        self._producer = producer
        self._topics = {Destination.TURNS: settings.topic_turns, Destination.RAW: settings.topic_raw}
        self.tally = Tally()

    def put(self, raw: bytes, origin: str = "") -> None:
        """Send one input; `origin` says in failures where it came from.

        Raises:
            TransientError: Kafka takes nothing any more.
        """
        way = route(raw, self._reading)
        self._producer.send(self._topics[way.destination], way.key, way.value, origin)
        self.tally.inputs += 1
        self.tally.entries += way.entries
        self.tally.dead += way.dead


class KafkaSink:
    """Sends; what becomes of the events is up to the workers."""

    def __init__(self, settings: Settings) -> None:
        """Connect.

        Raises:
            TransientError: Kafka does not answer.
        """
        self._failures: list[SendFailure] = []
        self._producer = Producer(settings, on_failure=self._failures.append)
        self._feed = Feed(settings, self._producer)

    def __call__(self, batch: InputBatch) -> DecodedInputs:
        """Return once Kafka has all of `batch`, counted as the workers will count it. May be repeated.

        Raises:
            TransientError: Kafka takes no more.
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
        sent.problems = sent.problems[:TOLD]
        return sent

    def close(self) -> None:
        """Give the connections back."""
        self._producer.close()
