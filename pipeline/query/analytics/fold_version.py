"""Refuse to count visits and utterances of conversations whose rows were written before rows had them."""

from pipeline.query.analytics.context import RowSource
from pipeline.query.analytics.items import SETTINGS
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import PreconditionError
from schemas.fold_rules import VISITS_SINCE

OUTDATED = (
    "some conversations of this window were stored by a version of Turnfold that did not record intent visits, stages "
    "and utterances: `turnfold rebuild --into new --swap` (on a cluster, --into live) stores them anew from the "
    "archive. The latest of them began at {latest}; where the archive no longer has their events, ask for a window "
    "after that"
)
ANY = """\
SELECT 1 FROM conversations
WHERE {conversations} AND fold < {{visits_since:UInt8}} AND is_deleted = 0
LIMIT 1"""
LATEST = """\
SELECT formatDateTime(max(start), '%Y-%m-%dT%H:%i:%SZ', 'UTC') FROM conversations FINAL
WHERE {conversations} AND fold < {{visits_since:UInt8}} AND is_deleted = 0
HAVING count() > 0"""


async def require_visits(store: RowSource, conversations: str, bot_id: str, window: TimeRange) -> None:
    """Check that the current rows of these conversations have visits and utterances.

    Replaced rows are looked at too, at first: without FINAL this takes a fraction of the time, and once all rows have
    been rebuilt it finds none.

    Args:
        store: ClickHouse.
        conversations: SQL of the conversations, with the parameters `bot_id`, `after` and `before`.
        bot_id: the bot.
        window: the window, in ms, both bounds exclusive.

    Raises:
        PreconditionError: some of them do not.
        TransientError: ClickHouse is unavailable.
    """
    parameters = {"bot_id": bot_id, "after": window.after, "before": window.before, "visits_since": VISITS_SINCE}
    if await store.rows(ANY.format(conversations=conversations), parameters, SETTINGS):
        for (latest,) in await store.rows(LATEST.format(conversations=conversations), parameters, SETTINGS):
            raise PreconditionError(OUTDATED.format(latest=latest))
