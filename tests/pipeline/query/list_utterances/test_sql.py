"""The statement reads the conversations that overlap a part of the window, and binds every value."""

from pipeline.query.analytics.filters import UTTERANCE_FILTERS, conditions
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.list_utterances.sql import UtteranceCursor, UtteranceQuery, select
from schemas.lex.analytics.filters import AnalyticsUtteranceFilter, FilterOperator, UtteranceFilterName

EVIL = "x') OR 1=1 --"
FILTERS = [
    AnalyticsUtteranceFilter(UtteranceFilterName.UTTERANCE_TEXT, FilterOperator.CO, (EVIL,)),
    AnalyticsUtteranceFilter(UtteranceFilterName.LOCALE_ID, FilterOperator.EQ, (EVIL,)),
]


def test_values_are_bound_and_never_part_of_the_statement() -> None:
    query = UtteranceQuery(EVIL, TimeRange(1, 9), tuple(conditions(FILTERS, UTTERANCE_FILTERS)), descending=True)
    statement = select(query, TimeRange(3, 7), UtteranceCursor(0, 5, EVIL, EVIL, EVIL), 11)
    assert EVIL not in statement.sql
    assert statement.parameters == {
        "bot_id": EVIL,
        "after": 3,
        "before": 7,
        "limit": 11,
        "filter_0": [EVIL],
        "filter_1": [EVIL],
        "last_time": 5,
        "last_session_id": EVIL,
        "last_originating_request_id": EVIL,
        "last_request_id": EVIL,
    }


def test_the_direction_is_that_of_all_columns() -> None:
    for descending, word, sign in ((True, " DESC", " < ("), (False, " ASC", " > (")):
        query = UtteranceQuery("B", TimeRange(1, 9), (), descending=descending)
        sql = select(query, query.window, UtteranceCursor(0, 5, "", "", ""), 1).sql
        order = sql[sql.index("ORDER BY") :]
        assert order.count(word) == 4
        assert sign in sql


def test_filters_of_the_conversation_come_before_its_utterances_are_joined() -> None:
    query = UtteranceQuery("B", TimeRange(1, 9), tuple(conditions(FILTERS, UTTERANCE_FILTERS)), descending=True)
    inner, outer = select(query, query.window, None, 1).sql.split("ARRAY JOIN")
    assert "filter_1" in inner
    assert "filter_0" in outer
    assert "filter_0" not in inner
