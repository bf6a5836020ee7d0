"""Define the requests of ListIntentStageMetrics."""

import enum
from typing import Annotated

from msgspec import Meta

from schemas.lex.analytics import LexRequest
from schemas.lex.filters import AnalyticsIntentStageFilter
from schemas.lex.metrics import AnalyticsMetric, ConversationBinBy, MetricsRequest


class IntentStageMetricName(enum.StrEnum):
    """Metrics of visits of stages."""

    COUNT = "Count"
    SUCCESS = "Success"
    FAILED = "Failed"
    DROPPED = "Dropped"
    RETRY = "Retry"


class IntentStageGroupName(enum.StrEnum):
    """Fields that visits of stages can be grouped by."""

    INTENT_STAGE_NAME = "IntentStageName"
    SWITCHED_TO_INTENT = "SwitchedToIntent"


class AnalyticsIntentStageMetric(AnalyticsMetric, frozen=True, kw_only=True):
    """A metric of visits of stages; `order` orders the results by its value."""

    name: IntentStageMetricName


class AnalyticsIntentStageGroupBy(LexRequest, frozen=True):
    """A field to group visits of stages by."""

    name: IntentStageGroupName


class ListIntentStageMetricsRequest(MetricsRequest, frozen=True, kw_only=True):
    """Count the visits of stages of a window that match all filters. Null means absent."""

    metrics: Annotated[tuple[AnalyticsIntentStageMetric, ...], Meta(min_length=1, max_length=5)]
    bin_by: Annotated[tuple[ConversationBinBy, ...], Meta(min_length=1, max_length=1)] | None = None
    group_by: Annotated[tuple[AnalyticsIntentStageGroupBy, ...], Meta(min_length=1, max_length=2)] | None = None
    filters: Annotated[tuple[AnalyticsIntentStageFilter, ...], Meta(min_length=1, max_length=9)] | None = None
