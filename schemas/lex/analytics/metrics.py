"""Define what the four metrics operations have in common: bins, statistics, and the JSON of responses."""

import enum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.lex.analytics.operation import BotId, Instant, LexRequest, LexResponse, PageToken, SortOrder


class MetricStatistic(enum.StrEnum):
    """What is computed of the numbers of the items."""

    SUM = "Sum"
    AVG = "Avg"
    MAX = "Max"


class BinInterval(enum.StrEnum):
    """Lengths of bins, which begin at whole hours and days of UTC."""

    ONE_HOUR = "OneHour"
    ONE_DAY = "OneDay"


class ConversationBinName(enum.StrEnum):
    """The time by which conversations, and what happened in them, are put into bins."""

    CONVERSATION_START_TIME = "ConversationStartTime"


class UtteranceBinName(enum.StrEnum):
    """The times by which utterances are put into bins."""

    CONVERSATION_START_TIME = "ConversationStartTime"
    UTTERANCE_TIMESTAMP = "UtteranceTimestamp"


class AnalyticsMetric(LexRequest, frozen=True, kw_only=True):
    """A metric; `order` orders the results by its value."""

    name: enum.StrEnum
    statistic: MetricStatistic
    order: SortOrder | None = None


class AnalyticsBinBy(LexRequest, frozen=True, kw_only=True):
    """Put items into bins by a time; `order` orders the results by bin."""

    name: enum.StrEnum
    interval: BinInterval
    order: SortOrder | None = None


class ConversationBinBy(AnalyticsBinBy, frozen=True, kw_only=True):
    """Put conversations, and what happened in them, into bins; `order` orders the results by bin."""

    name: ConversationBinName


class UtteranceBinBy(AnalyticsBinBy, frozen=True, kw_only=True):
    """Put utterances into bins; `order` orders the results by bin."""

    name: UtteranceBinName


class MetricsRequest(LexRequest, frozen=True, kw_only=True):
    """What the requests of all metrics operations have. Null means absent."""

    start_date_time: Instant
    end_date_time: Instant
    max_results: Annotated[int, Meta(ge=1, le=1000, description="1000 where absent")] | None = None
    next_token: PageToken | None = None


class BinKey(LexResponse, frozen=True):
    """The bin of a result: the epoch second at which it begins."""

    name: str
    value: int


class GroupKey(LexResponse, frozen=True):
    """The value of one field that results are grouped by. Items without a value are a group without one."""

    name: str
    value: str | UnsetType = UNSET


class MetricResult(LexResponse, frozen=True):
    """A statistic of the items of a result."""

    name: str
    statistic: MetricStatistic
    value: float


class AttributeResult(LexResponse, frozen=True):
    """The intent of the latest utterance of a result."""

    last_used_intent: str


class MetricsResult(LexResponse, frozen=True):
    """The metrics of a bin, of a group, of a group within a bin, or of everything."""

    bin_keys: tuple[BinKey, ...]
    group_by_keys: tuple[GroupKey, ...]
    metrics_results: tuple[MetricResult, ...]
    attribute_results: tuple[AttributeResult, ...] | UnsetType = UNSET
    """Of utterances, where they are asked for."""


class MetricsResponse(LexResponse, frozen=True):
    """One page of results. `next_token` is set if another page follows."""

    bot_id: BotId
    results: tuple[MetricsResult, ...]
    next_token: PageToken | UnsetType = UNSET
