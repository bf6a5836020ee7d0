"""Raw inputs from files in; each in the topic where live traffic would have put it, out."""

from pipeline.config.settings import Settings
from pipeline.kafka.produce import Failure, Producer
from pipeline.replay.batch import TOLD, Batch, Decoded
from pipeline.replay.feed import Feed


class IntoKafka:
    """Sends; what becomes of the events is up to the workers."""

    def __init__(self, settings: Settings) -> None:
        """Connect.

        Raises:
            TransientError: Kafka does not answer.
        """
        self._failures: list[Failure] = []
        self._producer = Producer(settings, on_failure=self._failures.append)
        self._feed = Feed(settings, self._producer)

    def __call__(self, batch: Batch) -> Decoded:
        """Return once Kafka has all of `batch`, counted as the workers will count it. May be repeated.

        Raises:
            TransientError: Kafka takes no more.
        """
        sent = Decoded([], [])
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
