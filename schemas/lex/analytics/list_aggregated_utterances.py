"""Define the wire format of ListAggregatedUtterances: the JSON of requests and responses."""

import enum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.lex.analytics.filters import FilterOperator
from schemas.lex.analytics.operation import BotId, LexRequest, LexResponse, PageToken, Seconds, SortOrder

AliasId = Annotated[
    str, Meta(pattern="^[0-9a-zA-Z]{10}$", max_length=10, description="an alias's id: exactly 10 of 0-9, A-Z, a-z")
]
BotVersion = Annotated[
    str, Meta(pattern=r"^(DRAFT|[0-9]{1,5})$(?!\n)", max_length=5, description="DRAFT, or a number of at most 5 digits")
]
LocaleId = Annotated[str, Meta(min_length=1, max_length=512, description="such as en_US")]
SearchText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-zA-Z_()\s-]+$(?!\n)",
        min_length=1,
        max_length=100,
        description="1 to 100 of 0-9, A-Z, a-z, _ ( ) - and spaces",
    ),
]
"""Lex's own pattern for what lists are searched for."""


class TimeDimension(enum.StrEnum):
    """Units of the window."""

    HOURS = "Hours"
    DAYS = "Days"
    WEEKS = "Weeks"


class RelativeAggregationDuration(LexRequest, frozen=True):
    """The length of the window, which ends now: 1, 3, 6, 12 or 24 hours, 3 days, or 1 or 2 weeks."""

    time_dimension: TimeDimension
    time_value: Annotated[int, Meta(ge=1, le=24)]


class UtteranceAggregationDuration(LexRequest, frozen=True):
    """The window."""

    relative_aggregation_duration: RelativeAggregationDuration


class AggregatedUtterancesFilterName(enum.StrEnum):
    """Fields that aggregated utterances can be filtered by."""

    UTTERANCE = "Utterance"


class AggregatedUtterancesFilter(LexRequest, frozen=True):
    """A filter of texts, which takes EQ and CO (contains)."""

    name: AggregatedUtterancesFilterName
    operator: FilterOperator
    values: Annotated[tuple[SearchText, ...], Meta(min_length=1, max_length=1)]


class AggregatedUtterancesSortAttribute(enum.StrEnum):
    """Fields that aggregated utterances can be sorted by."""

    HIT_COUNT = "HitCount"
    MISSED_COUNT = "MissedCount"


class AggregatedUtterancesSortBy(LexRequest, frozen=True):
    """The order of the list; texts of the same count come in their own order."""

    attribute: AggregatedUtterancesSortAttribute
    order: SortOrder


class ListAggregatedUtterancesRequest(LexRequest, frozen=True):
    """Select the utterances of a locale, of one alias, one version, or all of them. Null means absent."""

    locale_id: LocaleId
    aggregation_duration: UtteranceAggregationDuration
    bot_alias_id: AliasId | None = None
    bot_version: BotVersion | None = None
    sort_by: AggregatedUtterancesSortBy | None = None
    filters: Annotated[tuple[AggregatedUtterancesFilter, ...], Meta(min_length=1, max_length=1)] | None = None
    max_results: Annotated[int, Meta(ge=1, le=1000, description="1000 where absent")] | None = None
    next_token: PageToken | None = None


class AggregatedUtterancesSummary(LexResponse, frozen=True):
    """A text, how often it was understood and missed, and when it was first and last used in the window."""

    utterance: str
    hit_count: int
    missed_count: int
    utterance_first_recorded_in_aggregation_duration: Seconds
    utterance_last_recorded_in_aggregation_duration: Seconds
    contains_data_from_deleted_resources: bool = False


class ListAggregatedUtterancesResponse(LexResponse, frozen=True):
    """One page of texts, and the window that all pages are of. `next_token` is set if another page follows."""

    bot_id: BotId
    locale_id: str
    aggregation_duration: UtteranceAggregationDuration
    aggregation_window_start_time: Seconds
    aggregation_window_end_time: Seconds
    aggregation_last_refreshed_date_time: Seconds
    aggregated_utterances_summaries: tuple[AggregatedUtterancesSummary, ...]
    bot_alias_id: str | UnsetType = UNSET
    bot_version: str | UnsetType = UNSET
    next_token: PageToken | UnsetType = UNSET
