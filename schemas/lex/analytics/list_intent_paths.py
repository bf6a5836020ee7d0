"""Define the wire format of ListIntentPaths: the JSON of requests and responses."""

import enum
from typing import Annotated

from msgspec import Meta

from schemas.lex.analytics.filters import AnalyticsPathFilter
from schemas.lex.analytics.operation import Instant, LexRequest, LexResponse

IntentPath = Annotated[
    str,
    Meta(
        pattern="^/(/*[^/])*$",
        min_length=1,
        max_length=1024,
        description="names of intents in their order, such as /BookHotel/BookCar; / for the beginning",
    ),
]


class NodeType(enum.StrEnum):
    """Kinds of nodes."""

    INNER = "Inner"
    """Conversations that go on to another intent."""
    EXIT = "Exit"
    """Conversations that end there."""


class ListIntentPathsRequest(LexRequest, frozen=True):
    """Select conversations that began after the start, ended before the end and match all filters, and a path."""

    start_date_time: Instant
    end_date_time: Instant
    intent_path: IntentPath
    filters: Annotated[tuple[AnalyticsPathFilter, ...], Meta(min_length=1, max_length=5)] | None = None


class AnalyticsIntentNodeSummary(LexResponse, frozen=True):
    """A path, and how many conversations went on from it, or ended there. `intent_level` is its number of intents."""

    intent_name: str
    intent_path: str
    intent_count: int
    intent_level: int
    node_type: NodeType


class ListIntentPathsResponse(LexResponse, frozen=True):
    """The path itself, then the paths that are one intent longer, the most frequent first; 100 summaries at most."""

    node_summaries: tuple[AnalyticsIntentNodeSummary, ...]
