"""Refuse to count visits and utterances of conversations whose rows were written before rows had them."""

from pipeline.query.analytics.context import RowSource
from pipeline.query.analytics.items import SETTINGS
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import PreconditionError

WITH_VISITS = 2
"""Version of the fold since which rows have visits and utterances."""

OUTDATED = (
    "some conversations of this window were stored by a version of Turnfold that did not record intent visits, stages "
    "and utterances: `turnfold rebuild --into new --swap` stores them anew from the archive"
)
FIND = """\
SELECT 1 FROM conversations {final}
WHERE {conversations} AND fold < {{with_visits:UInt8}} AND is_deleted = 0
LIMIT 1"""


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
    parameters = {"bot_id": bot_id, "after": window.after, "before": window.before, "with_visits": WITH_VISITS}
    for final in ("", "FINAL"):
        if not await store.rows(FIND.format(final=final, conversations=conversations), parameters, SETTINGS):
            return
    raise PreconditionError(OUTDATED)
