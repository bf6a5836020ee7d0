"""Define the requests of ListSessionMetrics, ListIntentMetrics, ListIntentStageMetrics and ListUtteranceMetrics."""

import enum
from typing import Annotated

from msgspec import Meta

from schemas.lex.analytics.filters import (
    AnalyticsIntentFilter,
    AnalyticsIntentStageFilter,
    AnalyticsSessionFilter,
    AnalyticsUtteranceFilter,
)
from schemas.lex.analytics.metrics import AnalyticsMetric, ConversationBinBy, MetricsRequest, UtteranceBinBy
from schemas.lex.analytics.operation import LexRequest


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
