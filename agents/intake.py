"""Records of the raw topic in; keyed log entries on the turns topic and dead letters out, then acknowledged."""

from collections.abc import Sequence

from agents.sender import Outgoing, Sender, dead
from pipeline.ingest.sort import Entry, Limits, Record, sort_record
from pipeline.settings import Settings

STEP = "intake"


class Intake:
    """What the intake agent does with a batch; run again on the same batch it only sends duplicates."""

    def __init__(self, settings: Settings, sender: Sender) -> None:
        self._settings = settings
        self._sender = sender
        self._limits = Limits(settings.max_message_bytes, settings.max_event_bytes)

    async def __call__(self, records: Sequence[Record]) -> None:
        """Pass on what `records` hold; return once Kafka has it."""
        await self._sender.send([message for record in records for message in self._messages(record)])

    def _messages(self, record: Record) -> list[Outgoing]:
        return [
            Outgoing(self._settings.topic_turns, found.session_id.encode(), found.raw, [])
            if isinstance(found, Entry)
            else dead(found, self._settings.topic_dead)
            for found in sort_record(record, self._limits, STEP)
        ]
