"""Remember how much time pages of sessions spanned, to read the next ones from where they are likely to lie."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_sessions.sql import Cursor, SessionQuery, start_bounds
from schemas.lex.analytics.list_sessions import SessionSortName

MAX_QUERIES = 10_000
"""Kinds of queries that are remembered; one takes about 300 bytes."""
MARGIN, GAP_MARGIN = 4, 1.1
"""Factors by which the rows of a page may lie further apart, and the gap before them be longer, before a guess is too
short and the page is read a second time."""
MIN_SPAN = 1_000
"""Milliseconds of a guess at least."""
MIN_ROW_SPAN = 0.01
"""Milliseconds that a row spans at least, where a page of them began at the same time."""


class PageSpan(NamedTuple):
    """The time that a page spanned, in ms."""

    gap: int
    """From where it was searched to its first row: long where a bot has no conversations any more."""
    length: int
    """From its first row to its last one."""
    rows: int


class PageSpans:
    """The time that a page spans, by bot, filters, direction, and first or later page.

    Only a hint. FINAL reads all rows between a page's beginning and the end of the window, which is most of a page's
    cost; with a hint it reads a few. A page that the hint fills is the right page, as rows further on come later.
    Only pages in order of the start have a span.
    """

    def __init__(self, max_queries: int = MAX_QUERIES) -> None:
        self._max_queries = max_queries
        self._spans: OrderedDict[Hashable, PageSpan] = OrderedDict()

    def likely(self, query: SessionQuery, cursor: Cursor | None, limit: int) -> TimeRange | None:
        """Return where the starts of `limit` rows are likely to lie; None if unknown or no smaller than the window."""
        span = self._spans.get(_query_kind(query, cursor))
        bounds = start_bounds(query, cursor)
        if span is None:
            return None
        # the gap is not multiplied: what lies behind the page may be the times in which the bot was busy
        distance = max(MIN_SPAN, int(GAP_MARGIN * span.gap + MARGIN * limit * span.length / span.rows))
        if distance >= bounds.before - bounds.after:
            return None
        if query.descending:
            return TimeRange(bounds.before - distance, bounds.before)
        return TimeRange(bounds.after, bounds.after + distance)

    def expected_rows(self, query: SessionQuery) -> float | None:
        """Return how many conversations the bot is likely to have in the window, whatever the filters.

        None if no page of its newest conversations was read without filters.
        """
        newest = replace(query, conditions=(), sort=SessionSortName.CONVERSATION_START_TIME, descending=True)
        span = self._spans.get(_query_kind(newest, None))
        if span is None:
            return None
        row_span = max((span.gap + span.length) / span.rows, MIN_ROW_SPAN)
        return (query.window.before - query.window.after) / row_span

    def learn(self, query: SessionQuery, cursor: Cursor | None, rows: Sequence[tuple[Any, ...]], limit: int) -> None:
        """Remember the span of these rows, if there are as many as `limit`."""
        if len(rows) < limit or query.sort != SessionSortName.CONVERSATION_START_TIME:
            return
        bounds, first, last = start_bounds(query, cursor), rows[0][0], rows[-1][0]
        gap = bounds.before - first if query.descending else first - bounds.after
        kind = _query_kind(query, cursor)
        self._spans[kind] = PageSpan(gap, abs(last - first), limit)
        self._spans.move_to_end(kind)
        if len(self._spans) > self._max_queries:
            self._spans.popitem(last=False)


def _query_kind(query: SessionQuery, cursor: Cursor | None) -> Hashable:
    conditions = tuple((each.sql, str(each.parameters)) for each in query.conditions)
    return query.bot_id, query.sort, query.descending, cursor is None, hash(conditions)
