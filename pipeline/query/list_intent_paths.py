"""Answer a ListIntentPaths request with the summaries of a path and of those one intent longer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.filters import PATH_FILTERS, SqlFragment, conditions, parameters_of
from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import CONVERSATIONS, INSIDE, SETTINGS
from pipeline.query.analytics.time_range import TimeRange
from schemas.lex.analytics.list_intent_paths import (
    AnalyticsIntentNodeSummary,
    ListIntentPathsRequest,
    ListIntentPathsResponse,
    NodeType,
)

ROOT = "/"
MAX_SUMMARIES = 100
"""Summaries of a response, and paths one intent longer that are read, each of which has one summary at least."""

RESTS = "SELECT substring(intent_path, length({path:String}) + 1) AS rest, position(rest, '/', 2) AS slash\n"
# What follows the path is '' where it ends, else such as '/BookCar/Taxi', and the child is its first name. The path
# itself is among the groups, as the child '' that never goes on; what goes on from it is the sum of all others.
SELECT = """\
SELECT child, onward, ended, sumIf(onward + ended, child != '') OVER () AS all_onward
FROM (
SELECT if(slash = 0, rest, substring(rest, 1, slash - 1)) AS child, countIf(slash > 0) AS onward,
       countIf(slash = 0) AS ended
FROM ({rests})
GROUP BY child)
ORDER BY child != '', onward + ended DESC, child
LIMIT {{limit:UInt32}}"""
ON_THE_PATH = (
    "intent_path != '' AND (intent_path = {path:String} OR startsWith(intent_path, concat({path:String}, '/')))"
)


class PathCounts(NamedTuple):
    """Conversations of a path one intent longer, or of the path itself, whose `child` is empty.

    `all_onward` is the number of those that go on from the path itself, the same in each row.
    """

    child: str
    onward: int
    ended: int
    all_onward: int


@dataclass(frozen=True, slots=True)
class IntentPaths:
    """Count the conversations of intent paths."""

    context: QueryContext

    async def summaries(
        self, bot_id: str, window: TimeRange, request: ListIntentPathsRequest
    ) -> ListIntentPathsResponse:
        """Return the summaries that `request` asks for, of the `window` parsed from it.

        Raises:
            InvalidQueryError: a filter has an operator that it does not accept.
            PreconditionError: some rows were written before rows had visits.
            TransientError: ClickHouse is unavailable.
        """
        prefix = "" if request.intent_path == ROOT else request.intent_path
        of_path = conditions(request.filters or (), PATH_FILTERS)
        context, bot = self.context, self.context.readable_bot(bot_id)
        await require_visits(context.store, INSIDE, bot, window)
        statement = select(bot, window, of_path, prefix)
        rows = await context.store.rows(statement.sql, statement.parameters, SETTINGS)
        counts = map(PathCounts._make, rows)
        return ListIntentPathsResponse(node_summaries=tuple(islice(_summaries(prefix, counts), MAX_SUMMARIES)))


def select(bot_id: str, window: TimeRange, conditions: Sequence[SqlFragment], path: str) -> SqlFragment:
    """Build the statement of rows (child, conversations that go on from it, that end there, that go on from `path`).

    The first row is that of the path itself, with an empty child, if conversations ended there; the others follow by
    their total, then by name. `path` is written as a prefix: the root is empty.
    """
    on_the_path = SqlFragment(ON_THE_PATH, {"path": path})
    rests = RESTS + CONVERSATIONS.from_where([*conditions, on_the_path], RESTS)
    values = parameters_of(conditions)
    return SqlFragment(
        SELECT.format(rests=rests),
        values
        | on_the_path.parameters
        | {"bot_id": bot_id, "after": window.after, "before": window.before, "limit": MAX_SUMMARIES + 1},
    )


def _summaries(prefix: str, rows: Iterable[PathCounts]) -> Iterator[AnalyticsIntentNodeSummary]:
    """Yield the summaries of the path itself, then those of its children; a path that nobody took has none."""
    counts = list(rows)
    if prefix and counts:
        ended = counts.pop(0).ended if not counts[0].child else 0
        onward = counts[0].all_onward if counts else 0
        yield from _nodes(prefix, onward, ended)
    for row in counts:
        yield from _nodes(prefix + row.child, row.onward, row.ended)


def _nodes(path: str, onward: int, ended: int) -> Iterator[AnalyticsIntentNodeSummary]:
    """Yield the summaries of a path whose counts are not zero."""
    for kind, count in ((NodeType.INNER, onward), (NodeType.EXIT, ended)):
        if count:
            yield AnalyticsIntentNodeSummary(
                intent_name=path.rpartition("/")[2],
                intent_path=path,
                intent_count=count,
                intent_level=path.count("/"),
                node_type=kind,
            )
