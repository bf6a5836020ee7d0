"""Define the requests of ListSessionMetrics."""

import enum
from typing import Annotated

from msgspec import Meta

from schemas.lex.analytics import LexRequest
from schemas.lex.filters import AnalyticsSessionFilter
from schemas.lex.metrics import AnalyticsMetric, ConversationBinBy, MetricsRequest


class SessionMetricName(enum.StrEnum):
    """Metrics of conversations."""

    COUNT = "Count"
    SUCCESS = "Success"
    FAILURE = "Failure"
    DROPPED = "Dropped"
    DURATION = "Duration"
    TURNS_PER_CONVERSATION = "TurnsPerConversation"
    CONCURRENCY = "Concurrency"


class SessionGroupName(enum.StrEnum):
    """Fields that conversations can be grouped by."""

    CONVERSATION_END_STATE = "ConversationEndState"
    LOCALE_ID = "LocaleId"


class AnalyticsSessionMetric(AnalyticsMetric, frozen=True, kw_only=True):
    """A metric of conversations; `order` orders the results by its value."""

    name: SessionMetricName


class AnalyticsSessionGroupBy(LexRequest, frozen=True):
    """A field to group conversations by."""

    name: SessionGroupName


class ListSessionMetricsRequest(MetricsRequest, frozen=True, kw_only=True):
    """Count the conversations of a window that match all filters. Null means absent."""

    metrics: Annotated[tuple[AnalyticsSessionMetric, ...], Meta(min_length=1, max_length=7)]
    bin_by: Annotated[tuple[ConversationBinBy, ...], Meta(min_length=1, max_length=1)] | None = None
    group_by: Annotated[tuple[AnalyticsSessionGroupBy, ...], Meta(min_length=1, max_length=2)] | None = None
    filters: Annotated[tuple[AnalyticsSessionFilter, ...], Meta(min_length=1, max_length=10)] | None = None
