"""Records of the raw topic in; keyed log entries on the turns topic and dead letters out, then acknowledged."""

from collections.abc import Sequence

from agents.forwarding import Placing
from agents.sender import Outgoing, Sender, dead
from pipeline.ingest.poison import DeadLimit
from pipeline.ingest.reading import Reading
from pipeline.ingest.sort import Entry, Record, sort_record
from pipeline.metrics.worker import WorkerMetrics
from pipeline.settings import Settings
from schemas.dead_letter import DeadLetter

STEP = "intake"


class Intake:
    """What the intake agent does with a batch; run again on the same batch it only sends duplicates."""

    def __init__(
        self, settings: Settings, sender: Sender, metrics: WorkerMetrics, limit: DeadLimit, placing: Placing
    ) -> None:
        """`placing` tells where sessions belong."""
        self._settings = settings
        self._sender = sender
        self._metrics = metrics
        self._limit = limit
        self._reading = Reading.of(settings)
        self._placing = placing

    async def __call__(self, records: Sequence[Record]) -> None:
        """Pass on what `records` hold; return once Kafka has it.

        Raises:
            PoisonError: too many of the last inputs were no log entries.
        """
        found = [one for record in records for one in sort_record(record, self._reading, STEP)]
        letters = ((place, one) for place, one in enumerate(found) if isinstance(one, DeadLetter))
        self._limit.check(letters, len(found))
        await self._sender.send([self._message(one) for one in found])
        self._metrics.dead("intake", [one for one in found if isinstance(one, DeadLetter)])

    def _message(self, found: Entry | DeadLetter) -> Outgoing:
        if isinstance(found, DeadLetter):
            return dead(found, self._settings.topic_dead)
        placement = self._placing()
        partition = None if placement is None else placement.partition_of(found.session_id)
        return Outgoing(self._settings.topic_turns, found.session_id.encode(), found.raw, [], partition)
