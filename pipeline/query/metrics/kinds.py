"""Describe each metrics operation as data: its items, and what they can be filtered, counted, grouped and binned by."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipeline.query.analytics.filters import (
    END_STATE,
    INTENT_FILTERS,
    SESSION_FILTERS,
    STAGE_FILTERS,
    STAGE_STATE,
    UTTERANCE_FILTERS,
    UTTERANCE_STATE,
    VISIT_STATE,
    FilterTable,
)
from pipeline.query.analytics.items import CONVERSATIONS, STAGES, UTTERANCES, VISITS, Items
from pipeline.query.analytics.sort_keys import SortKey

CONCURRENCY = "Concurrency"
"""The metric that is not a statistic of numbers of items, but of the time that they overlap."""
UTTERANCE_TIMESTAMP = "UtteranceTimestamp"
"""The metric of instants, which have no sum. Its numbers are ms since the window's start, so that sums stay exact."""


@dataclass(frozen=True, slots=True)
class MetricsKind:
    """A metrics operation.

    Attributes:
        operation: Lex's name.
        items: what is counted.
        filters: filter name -> filter.
        numbers: metric name -> SQL of an item's number, of which the statistics are taken.
        groups: name of a field to group by -> its SQL and type.
        bins: name of a time to bin by -> its SQL.
    """

    operation: str
    items: Items
    filters: FilterTable
    numbers: Mapping[str, str]
    groups: Mapping[str, SortKey]
    bins: Mapping[str, str] = field(default_factory=lambda: {"ConversationStartTime": "start"})


def _in(state: str, *, names: Mapping[str, str]) -> dict[str, str]:
    """Return metric name -> SQL of 1 for an item in the state of the metric, and of 0 for others."""
    return {metric: f"{state} = '{value}'" for metric, value in names.items()}


SESSION_METRICS = MetricsKind(
    operation="ListSessionMetrics",
    items=CONVERSATIONS,
    filters=SESSION_FILTERS,
    numbers={
        "Count": "1",
        **_in(END_STATE, names={"Success": "Success", "Failure": "Failure", "Dropped": "Dropped"}),
        "Duration": "duration_seconds",
        "TurnsPerConversation": "turns",
    },
    groups={"ConversationEndState": SortKey(END_STATE, "String"), "LocaleId": SortKey("locale_id", "String")},
)
INTENT_METRICS = MetricsKind(
    operation="ListIntentMetrics",
    items=VISITS,
    filters=INTENT_FILTERS,
    numbers={
        "Count": "1",
        **_in(
            VISIT_STATE,
            names={"Success": "Success", "Failure": "Failed", "Switched": "Switched", "Dropped": "Dropped"},
        ),
    },
    groups={
        "IntentName": SortKey("visit_intent", "String"),
        "IntentEndState": SortKey(VISIT_STATE, "String"),
        "IntentLevel": SortKey("visit_level", "UInt32"),
    },
)
INTENT_STAGE_METRICS = MetricsKind(
    operation="ListIntentStageMetrics",
    items=STAGES,
    filters=STAGE_FILTERS,
    numbers={
        "Count": "1",
        **_in(STAGE_STATE, names={"Success": "Success", "Failed": "Failed", "Dropped": "Dropped"}),
        "Retry": "stage_retry",
    },
    groups={
        "IntentStageName": SortKey("stage_name", "String"),
        "SwitchedToIntent": SortKey("switched_to", "String"),
    },
)
UTTERANCE_METRICS = MetricsKind(
    operation="ListUtteranceMetrics",
    items=UTTERANCES,
    filters=UTTERANCE_FILTERS,
    numbers={
        "Count": "1",
        **_in(UTTERANCE_STATE, names={"Missed": "Missed", "Detected": "Detected"}),
        UTTERANCE_TIMESTAMP: "toUnixTimestamp64Milli(utterance_time) - {after:Int64}",
    },
    groups={
        "UtteranceText": SortKey("utterance_text", "String"),
        "UtteranceState": SortKey(UTTERANCE_STATE, "String"),
    },
    bins={"UtteranceTimestamp": "utterance_time", "ConversationStartTime": "start"},
)
