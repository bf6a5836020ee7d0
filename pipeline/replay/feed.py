"""Raw inputs in; each sent to its topic, and counted by what becomes of it."""

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.reading import Reading
from pipeline.ingest.route import Destination, route
from pipeline.kafka.produce import Producer


class Tally(msgspec.Struct):
    """What was put so far: `inputs`, and in them `entries` valid log entries and `dead` others."""

    inputs: int = 0
    entries: int = 0
    dead: int = 0


class Feed:
    """Sends inputs to the topics of the settings."""

    def __init__(self, settings: Settings, producer: Producer) -> None:
        self._reading = Reading.of(settings)
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
