"""Conversations as workers store them: log entries in the archive, and the rows that they fold to."""

import asyncio
from collections import defaultdict

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.ingest.decode import decode_entry
from pipeline.store.connection.client import connection
from schemas.turn import ConversationKey, Turn
from tests.events import RULES
from tests.pipeline.query.session_entries import Entry, archived


def tell(settings: Settings, *entries: Entry) -> None:
    """Store distinct entries and the rows of their conversations."""
    rows = [archived(entry) for entry in entries]
    of_conversation: defaultdict[ConversationKey, list[Turn]] = defaultdict(list)
    for row in rows:
        turn = decode_entry(row.payload, 1_000_000)
        of_conversation[turn.key].append(turn)

    async def connected() -> None:
        async with connection(settings) as clickhouse:
            await clickhouse.insert("conversations", [fold(turns, RULES) for turns in of_conversation.values()])
            await clickhouse.insert("turns", rows)

    asyncio.run(connected())
