"""Pages in; how far from its beginning the next page of such a question is likely to end, out."""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

from pipeline.query.list_sessions.page_token import Cursor
from pipeline.query.list_sessions.sql import SessionQuery, start_bounds
from pipeline.query.list_sessions.time_range import TimeRange
from schemas.lex.analytics import SessionSortName

REMEMBERED = 10_000
"""Kinds of questions; one takes about 300 bytes."""
MARGIN = 4
"""Traffic may become so many times thinner before a page is found too short, and is read a second time."""
LEAST = 1_000
"""Milliseconds."""


class PageSpans:
    """How far pages in the order of starts have reached, by bot, filters, direction, and whether it was a first page.

    Only a hint. FINAL looks at all rows between a page's beginning and the end of the window, which is most of what a
    page costs; with a hint it looks at a few. A page that is full with it is the page, as rows further on come later.
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._spans: OrderedDict[Hashable, float] = OrderedDict()

    def likely(self, question: SessionQuery, last: Cursor | None, limit: int) -> TimeRange | None:
        """Where the starts of `limit` rows are likely to lie; None where that is not known or saves nothing."""
        span = self._spans.get(_kind(question, last))
        whole = start_bounds(question, last)
        if span is None:
            return None
        reach = max(LEAST, int(MARGIN * limit * span))
        if reach >= whole.before - whole.after:
            return None
        if question.descending:
            return TimeRange(whole.before - reach, whole.before)
        return TimeRange(whole.after, whole.after + reach)

    def learn(self, question: SessionQuery, last: Cursor | None, rows: Sequence[tuple[Any, ...]], limit: int) -> None:
        """Remember how far these rows reach, if there are as many as were asked for."""
        if len(rows) < limit or question.sort != SessionSortName.CONVERSATION_START_TIME:
            return
        whole, furthest = start_bounds(question, last), rows[-1][0]
        distance = whole.before - furthest if question.descending else furthest - whole.after
        kind = _kind(question, last)
        self._spans[kind] = distance / limit
        self._spans.move_to_end(kind)
        if len(self._spans) > self._remembered:
            self._spans.popitem(last=False)


def _kind(question: SessionQuery, last: Cursor | None) -> Hashable:
    asked = tuple((each.sql, str(each.parameters)) for each in question.conditions)
    return question.bot_id, question.sort, question.descending, last is None, hash(asked)
