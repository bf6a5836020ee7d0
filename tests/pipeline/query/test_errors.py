"""An invalid query is reported with the path of the wrong member."""

import pytest

from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.errors import InvalidQueryError, NotFoundError


def test_the_text_begins_with_the_path_of_the_member() -> None:
    error = InvalidQueryError("filters[2].operator", "Duration takes EQ, GT, LT, not CO")
    assert error.where == "filters[2].operator"
    assert str(error) == "filters[2].operator: Duration takes EQ, GT, LT, not CO"


def test_each_instant_of_a_window_is_reported_by_its_own_name() -> None:
    for start, end, where in (("soon", 1, "startDateTime"), (1, "later", "endDateTime"), (2, 1, "startDateTime")):
        with pytest.raises(InvalidQueryError) as raised:
            parse_time_range(start, end)
        assert raised.value.where == where


def test_what_is_not_found_is_no_invalid_query() -> None:
    """They have different status codes."""
    assert not issubclass(NotFoundError, InvalidQueryError)
    assert str(NotFoundError("no session of user-1 is open")) == "no session of user-1 is open"
