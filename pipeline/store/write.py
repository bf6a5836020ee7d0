"""Rows and new events in, both tables written: the rows first, then the archive."""

from collections.abc import Sequence

from pipeline.store.client import ClickHouse
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn


async def write(clickhouse: ClickHouse, rows: Sequence[Conversation], events: Sequence[ArchivedTurn]) -> None:
    """Write what a batch came to; each call may be repeated.

    The order matters. An event in the archive says that its conversation's row is written, and that rows of
    earlier starts are taken back; so whoever finds it there after a crash need not know what else the dead
    worker had done. Rows whose events did not get into the archive are written again, since their offsets
    were not committed.

    Raises:
        TransientError: worth a second try.
    """
    await clickhouse.insert("conversations", rows)
    await clickhouse.insert("turns", events)
