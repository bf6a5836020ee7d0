"""The statement binds every value, and reads no path where nobody can have been."""

from pipeline.query.analytics.filters import PATH_FILTERS, conditions
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_intent_paths.sql import MAX_CHILDREN, select
from schemas.lex.analytics.filters import AnalyticsPathFilter, FilterOperator, PathFilterName

EVIL = "x') OR 1=1 --"


def test_values_are_bound_and_never_part_of_the_statement() -> None:
    filters = [AnalyticsPathFilter(PathFilterName.CHANNEL, FilterOperator.EQ, (EVIL,))]
    statement = select(EVIL, TimeRange(1, 9), conditions(filters, PATH_FILTERS), f"/{EVIL}")
    assert EVIL not in statement.sql
    assert statement.parameters == {
        "bot_id": EVIL,
        "after": 1,
        "before": 9,
        "path": f"/{EVIL}",
        "limit": MAX_CHILDREN + 1,
        "filter_0": [EVIL],
    }
    assert "intent_path != ''" in statement.sql
