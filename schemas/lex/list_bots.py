"""Define the wire format of ListBots: the JSON of requests and responses."""

import enum
from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.lex.analytics.list_aggregated_utterances import SearchText
from schemas.lex.analytics.operation import LexRequest, LexResponse, PageToken, Seconds, SortOrder


class BotFilterName(enum.StrEnum):
    """Fields that bots can be filtered by."""

    BOT_NAME = "BotName"
    BOT_TYPE = "BotType"


class BotFilterOperator(enum.StrEnum):
    """Operators of filters: contains, equals, differs from."""

    CO = "CO"
    EQ = "EQ"
    NE = "NE"


class BotFilter(LexRequest, frozen=True):
    """A filter of bots."""

    name: BotFilterName
    operator: BotFilterOperator
    values: Annotated[tuple[SearchText, ...], Meta(min_length=1, max_length=1)]


class BotSortAttribute(enum.StrEnum):
    """Fields that bots can be sorted by."""

    BOT_NAME = "BotName"


class BotSortBy(LexRequest, frozen=True):
    """The order of the list; bots of the same name come in the order of their ids."""

    attribute: BotSortAttribute
    order: SortOrder


class ListBotsRequest(LexRequest, frozen=True):
    """Select the bots that match all filters. Null means absent."""

    sort_by: BotSortBy | None = None
    filters: Annotated[tuple[BotFilter, ...], Meta(min_length=1, max_length=2)] | None = None
    max_results: Annotated[int, Meta(ge=1, le=1000, description="1000 where absent")] | None = None
    next_token: PageToken | None = None


class BotSummary(LexResponse, frozen=True):
    """A bot that has conversations, and when the last of them ended. Its name is its id where no event has one."""

    bot_id: str
    bot_name: str
    last_updated_date_time: Seconds
    bot_status: str = "Available"
    bot_type: str = "Bot"


class ListBotsResponse(LexResponse, frozen=True):
    """One page of bots. `next_token` is set if another page follows."""

    bot_summaries: tuple[BotSummary, ...]
    next_token: PageToken | UnsetType = UNSET
