"""Build the SELECT of how many conversations went on from an intent path, and where to."""

from collections.abc import Sequence

from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.analytics.items import CONVERSATIONS
from pipeline.query.analytics.time_range import TimeRange

MAX_CHILDREN = 100
"""Paths one intent longer that are read: each has one summary at least, and a response has 100 at most."""

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


def select(bot_id: str, window: TimeRange, conditions: Sequence[SqlFragment], path: str) -> SqlFragment:
    """Build the statement of rows (child, conversations that go on from it, that end there, that go on from `path`).

    The first row is that of the path itself, with an empty child, if conversations ended there; the others follow by
    their total, then by name. `path` is written as a prefix: the root is empty.
    """
    on_the_path = SqlFragment(ON_THE_PATH, {"path": path})
    rests = RESTS + CONVERSATIONS.from_where([*conditions, on_the_path], RESTS)
    values = {name: value for each in conditions for name, value in each.parameters.items()}
    return SqlFragment(
        SELECT.format(rests=rests),
        values
        | on_the_path.parameters
        | {"bot_id": bot_id, "after": window.after, "before": window.before, "limit": MAX_CHILDREN + 1},
    )
