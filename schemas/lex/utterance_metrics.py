"""Define the requests of ListUtteranceMetrics."""

import enum
from typing import Annotated

from msgspec import Meta

from schemas.lex.analytics import LexRequest
from schemas.lex.filters import AnalyticsUtteranceFilter
from schemas.lex.metrics import AnalyticsMetric, MetricsRequest, UtteranceBinBy


class UtteranceMetricName(enum.StrEnum):
    """Metrics of utterances."""

    COUNT = "Count"
    MISSED = "Missed"
    DETECTED = "Detected"
    UTTERANCE_TIMESTAMP = "UtteranceTimestamp"


class UtteranceGroupName(enum.StrEnum):
    """Fields that utterances can be grouped by."""

    UTTERANCE_TEXT = "UtteranceText"
    UTTERANCE_STATE = "UtteranceState"


class UtteranceAttributeName(enum.StrEnum):
    """Further facts about the utterances of a result."""

    LAST_USED_INTENT = "LastUsedIntent"


class AnalyticsUtteranceMetric(AnalyticsMetric, frozen=True, kw_only=True):
    """A metric of utterances; `order` orders the results by its value."""

    name: UtteranceMetricName


class AnalyticsUtteranceGroupBy(LexRequest, frozen=True):
    """A field to group utterances by."""

    name: UtteranceGroupName


class AnalyticsUtteranceAttribute(LexRequest, frozen=True):
    """A further fact to return with each result."""

    name: UtteranceAttributeName


class ListUtteranceMetricsRequest(MetricsRequest, frozen=True, kw_only=True):
    """Count the utterances of a window that match all filters. Null means absent."""

    metrics: Annotated[tuple[AnalyticsUtteranceMetric, ...], Meta(min_length=1, max_length=4)]
    bin_by: Annotated[tuple[UtteranceBinBy, ...], Meta(min_length=1, max_length=1)] | None = None
    group_by: Annotated[tuple[AnalyticsUtteranceGroupBy, ...], Meta(min_length=1, max_length=2)] | None = None
    attributes: Annotated[tuple[AnalyticsUtteranceAttribute, ...], Meta(min_length=1, max_length=1)] | None = None
    filters: Annotated[tuple[AnalyticsUtteranceFilter, ...], Meta(min_length=1, max_length=9)] | None = None
