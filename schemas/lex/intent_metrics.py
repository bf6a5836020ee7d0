"""Define the requests of ListIntentMetrics."""

import enum
from typing import Annotated

from msgspec import Meta

from schemas.lex.analytics import LexRequest
from schemas.lex.filters import AnalyticsIntentFilter
from schemas.lex.metrics import AnalyticsMetric, ConversationBinBy, MetricsRequest


class IntentMetricName(enum.StrEnum):
    """Metrics of visits of intents."""

    COUNT = "Count"
    SUCCESS = "Success"
    FAILURE = "Failure"
    SWITCHED = "Switched"
    DROPPED = "Dropped"


class IntentGroupName(enum.StrEnum):
    """Fields that visits of intents can be grouped by."""

    INTENT_NAME = "IntentName"
    INTENT_END_STATE = "IntentEndState"
    INTENT_LEVEL = "IntentLevel"


class AnalyticsIntentMetric(AnalyticsMetric, frozen=True, kw_only=True):
    """A metric of visits of intents; `order` orders the results by its value."""

    name: IntentMetricName


class AnalyticsIntentGroupBy(LexRequest, frozen=True):
    """A field to group visits of intents by."""

    name: IntentGroupName


class ListIntentMetricsRequest(MetricsRequest, frozen=True, kw_only=True):
    """Count the visits of intents of a window that match all filters. Null means absent."""

    metrics: Annotated[tuple[AnalyticsIntentMetric, ...], Meta(min_length=1, max_length=5)]
    bin_by: Annotated[tuple[ConversationBinBy, ...], Meta(min_length=1, max_length=1)] | None = None
    group_by: Annotated[tuple[AnalyticsIntentGroupBy, ...], Meta(min_length=1, max_length=3)] | None = None
    filters: Annotated[tuple[AnalyticsIntentFilter, ...], Meta(min_length=1, max_length=9)] | None = None
