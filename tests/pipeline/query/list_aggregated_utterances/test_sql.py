"""The statement counts the utterances of a window, and binds every value."""

import pytest

from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.analytics.sort_keys import SortCursor
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_aggregated_utterances.sql import TextQuery, select
from schemas.lex.analytics.list_aggregated_utterances import AggregatedUtterancesSortAttribute

EVIL = "x') OR 1=1 --"
HITS, MISSES = AggregatedUtterancesSortAttribute.HIT_COUNT, AggregatedUtterancesSortAttribute.MISSED_COUNT


def test_values_are_bound_and_never_part_of_the_statement() -> None:
    conditions = [SqlFragment("locale_id = {locale_id:String}", {"locale_id": EVIL})]
    statement = select(
        TextQuery(EVIL, TimeRange(1, 9), conditions, HITS, descending=True), SortCursor(0, (-5, EVIL)), 7
    )
    assert EVIL not in statement.sql
    assert statement.parameters == {
        "bot_id": EVIL, "after": 1, "before": 9, "limit": 7, "locale_id": EVIL, "last_0": -5, "last_1": EVIL,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sort", "descending", "order"),
    [
        (HITS, True, "-toInt64(hits), utterance_text"),
        (HITS, False, "toInt64(hits), utterance_text"),
        (MISSES, True, "-toInt64(misses), utterance_text"),
        (MISSES, False, "toInt64(misses), utterance_text"),
    ],
)
def test_texts_of_one_count_ascend(sort: AggregatedUtterancesSortAttribute, descending: bool, order: str) -> None:  # noqa: FBT001 -- a parameter
    sql = select(TextQuery("B", TimeRange(1, 9), [], sort, descending=descending), None, 7).sql
    assert f"ORDER BY {order}\n" in sql
