"""Remember how much time the pages of a query span, to guess where its next page ends."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_sessions.sql import Cursor, SessionQuery, start_bounds
from schemas.lex.analytics.list_sessions import SessionSortName

MAX_QUERIES = 10_000
"""Kinds of queries that are remembered; one takes about 300 bytes."""
MARGIN = 4
"""Factor by which traffic may thin out before a guess is too short and the page is read a second time."""
MIN_SPAN = 1_000
"""Milliseconds of a guess at least."""


class PageSpans:
    """The time that a row of a page spans, by bot, filters, direction, and first or later page.

    Only a hint. FINAL reads all rows between a page's beginning and the end of the window, which is most of a page's
    cost; with a hint it reads a few. A page that the hint fills is the right page, as rows further on come later.
    Only pages in order of the start have a span.
    """

    def __init__(self, max_queries: int = MAX_QUERIES) -> None:
        self._max_queries = max_queries
        self._spans: OrderedDict[Hashable, float] = OrderedDict()

    def likely(self, query: SessionQuery, cursor: Cursor | None, limit: int) -> TimeRange | None:
        """Return where the starts of `limit` rows are likely to lie; None if unknown or no smaller than the window."""
        span = self._spans.get(_query_kind(query, cursor))
        bounds = start_bounds(query, cursor)
        if span is None:
            return None
        distance = max(MIN_SPAN, int(MARGIN * limit * span))
        if distance >= bounds.before - bounds.after:
            return None
        if query.descending:
            return TimeRange(bounds.before - distance, bounds.before)
        return TimeRange(bounds.after, bounds.after + distance)

    def learn(self, query: SessionQuery, cursor: Cursor | None, rows: Sequence[tuple[Any, ...]], limit: int) -> None:
        """Remember the span of these rows, if there are as many as `limit`."""
        if len(rows) < limit or query.sort != SessionSortName.CONVERSATION_START_TIME:
            return
        bounds, furthest = start_bounds(query, cursor), rows[-1][0]
        distance = bounds.before - furthest if query.descending else furthest - bounds.after
        kind = _query_kind(query, cursor)
        self._spans[kind] = distance / limit
        self._spans.move_to_end(kind)
        if len(self._spans) > self._max_queries:
            self._spans.popitem(last=False)


def _query_kind(query: SessionQuery, cursor: Cursor | None) -> Hashable:
    conditions = tuple((each.sql, str(each.parameters)) for each in query.conditions)
    return query.bot_id, query.sort, query.descending, cursor is None, hash(conditions)
