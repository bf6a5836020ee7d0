from enum import StrEnum

import msgspec
import pytest

from schemas.lex.analytics.filters import (
    AnalyticsIntentFilter,
    AnalyticsIntentStageFilter,
    AnalyticsPathFilter,
    AnalyticsSessionFilter,
    AnalyticsUtteranceFilter,
    FilterOperator,
    IntentFilterName,
    IntentStageFilterName,
    PathFilterName,
    SessionFilterName,
    UtteranceFilterName,
)
from tests.schemas.lex.sdk import check_length, check_request, check_words

FILTERS = (
    AnalyticsIntentFilter,
    AnalyticsIntentStageFilter,
    AnalyticsPathFilter,
    AnalyticsSessionFilter,
    AnalyticsUtteranceFilter,
)


@pytest.mark.parametrize("struct", FILTERS)
def test_a_filter_is_that_of_the_sdk(struct: type[msgspec.Struct]) -> None:
    check_request(struct)
    check_length(struct, "values", "AnalyticsFilterValues")


@pytest.mark.parametrize(
    ("name", "enum", "more"),
    [
        ("AnalyticsSessionFilterName", SessionFilterName, {"IntentPathStart", "UtteranceText"}),  # Turnfold's own
        ("AnalyticsIntentFilterName", IntentFilterName, set()),
        ("AnalyticsIntentStageFilterName", IntentStageFilterName, set()),
        ("AnalyticsCommonFilterName", PathFilterName, set()),
        ("AnalyticsUtteranceFilterName", UtteranceFilterName, set()),
        ("AnalyticsFilterOperator", FilterOperator, {"CO"}),  # documented, yet not in the SDK
    ],
)
def test_words_are_those_of_the_sdk(name: str, enum: type[StrEnum], more: set[str]) -> None:
    check_words(name, enum, more)
