"""Translate the filters of a request into SQL conditions, by a table of filter names and operators."""

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pipeline.query.errors import InvalidQueryError
from schemas.lex.analytics.filters import FilterOperator

EQ, GT, LT, CO = FilterOperator.EQ, FilterOperator.GT, FilterOperator.LT, FilterOperator.CO
WHOLE_SECONDS = re.compile(r"(\d{1,15}) ?(?:s|secs?|seconds?)?", re.ASCII)


def _shown(state: str) -> str:
    """Return SQL of a state at the time of the query: a state that is stored as '' is open, and Dropped once idle."""
    idle = "end < fromUnixTimestamp64Milli({dropped_before:Int64}, 'UTC')"
    return f"if({state} != '', {state}, if({idle}, 'Dropped', ''))"


END_STATE = _shown("end_state")
"""SQL of a conversation's end state at the time of the query; empty while it is still open."""
VISIT_STATE, STAGE_STATE = _shown("visit_state"), _shown("stage_state")
"""SQL of the states of a visit of an intent and of a stage, likewise."""
UTTERANCE_STATE = "if(utterance_missed, 'Missed', 'Detected')"


@dataclass(frozen=True, slots=True)
class SqlFragment:
    """A piece of SQL and the values of its `{name:Type}` parameters."""

    sql: str
    parameters: dict[str, Any]
    on_key: bool = False
    """True if it is a condition on the table's key alone, which all versions of a row share."""
    on_item: bool = False
    """True if it is a condition on an item of the conversation's arrays."""
    on_texts: bool = False
    """True if it is a condition on what was said, which rows have since `VISITS_SINCE`."""


def parameters_of(fragments: Iterable[SqlFragment]) -> dict[str, Any]:
    """Return the values of the parameters of all these fragments."""
    return {name: value for fragment in fragments for name, value in fragment.parameters.items()}


class RequestedFilter(Protocol):
    """A filter as an operation's requests have it."""

    @property
    def name(self) -> enum.StrEnum:
        """The name, of those that the operation has."""

    @property
    def operator(self) -> FilterOperator:
        """The operator."""

    @property
    def values(self) -> Sequence[str]:
        """The values, of which any may match."""


SqlByOperator = Mapping[FilterOperator, str]
"""Operator -> SQL of its condition, where {0} stands for the filter's expression and {1} for the parameter's name."""

# An absent field is stored as '', and an absent field neither equals nor contains anything: hence `!= ''`.
EQUALS: SqlByOperator = {EQ: "({0} IN {{{1}:Array(String)}} AND {0} != '')"}
EQUALS_OR_CONTAINS: SqlByOperator = {
    **EQUALS,
    CO: "({0} != '' AND arrayExists(part -> position({0}, part) > 0, {{{1}:Array(String)}}))",
}
STARTS_WITH: SqlByOperator = {
    EQ: "({0} != '' AND arrayExists(path -> startsWith(concat({0}, '/'), concat(path, '/')), {{{1}:Array(String)}}))",
}
"""The expression is a path, and is or begins with one of the values."""
ANY_TEXT: SqlByOperator = {
    EQ: "hasAny({0}, {{{1}:Array(String)}})",
    CO: "arrayExists(text -> arrayExists(part -> position(text, part) > 0, {{{1}:Array(String)}}), {0})",
}
"""The expression is an array of texts, of which any may match."""
SECONDS: SqlByOperator = {
    EQ: "{0} IN {{{1}:Array(UInt64)}}",
    GT: "{0} > {{{1}:UInt64}}",
    LT: "{0} < {{{1}:UInt64}}",
}
"""The values are whole seconds; those of all others are text."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of an operation.

    Attributes:
        expression: SQL over table `conversations`, or over the items of its arrays.
        sql: the operators that the filter accepts, and their SQL.
        on_key: the expression is part of the table's key.
        on_item: the expression is of an item, not of its conversation.
        on_texts: the expression is what was said.
        spellings: other spelling of a value -> the value. Lex's documentation has both.
    """

    expression: str
    sql: SqlByOperator
    on_key: bool = False
    on_item: bool = False
    on_texts: bool = False
    spellings: Mapping[str, str] = field(default_factory=dict)


FilterTable = Mapping[str, Filter]
"""Filter name of an operation -> filter."""

PATH_FILTERS = {
    "BotAliasId": Filter("bot_alias_id", EQUALS),
    "BotVersion": Filter("bot_version", EQUALS),
    "LocaleId": Filter("locale_id", EQUALS),
    "Modality": Filter("mode", EQUALS),
    "Channel": Filter("channel", EQUALS),
}
CONVERSATION_FILTERS = PATH_FILTERS | {
    "SessionId": Filter("session_id", EQUALS, on_key=True),
    "OriginatingRequestId": Filter("originating_request_id", EQUALS, on_key=True),
}
"""The filters that all operations but ListIntentPaths have."""

SESSION_FILTERS = CONVERSATION_FILTERS | {
    "Duration": Filter("duration_seconds", SECONDS),
    "ConversationEndState": Filter(END_STATE, EQUALS_OR_CONTAINS, spellings={"Failed": "Failure"}),
    "IntentPath": Filter("intent_path", EQUALS),
    "IntentPathStart": Filter("intent_path", STARTS_WITH),
    "UtteranceText": Filter("utterance_texts", ANY_TEXT, on_texts=True),
}
INTENT_FILTERS = CONVERSATION_FILTERS | {
    "IntentName": Filter("visit_intent", EQUALS_OR_CONTAINS, on_item=True),
    "IntentEndState": Filter(VISIT_STATE, EQUALS_OR_CONTAINS, on_item=True, spellings={"Failure": "Failed"}),
}
STAGE_FILTERS = CONVERSATION_FILTERS | {
    "IntentName": Filter("stage_intent", EQUALS_OR_CONTAINS, on_item=True),
    "IntentStageName": Filter("stage_name", EQUALS_OR_CONTAINS, on_item=True),
}
UTTERANCE_FILTERS = CONVERSATION_FILTERS | {
    "UtteranceState": Filter(UTTERANCE_STATE, EQUALS, on_item=True),
    "UtteranceText": Filter("utterance_text", EQUALS_OR_CONTAINS, on_item=True),
}


def conditions(filters: Sequence[RequestedFilter], table: FilterTable) -> list[SqlFragment]:
    """Build one condition for each filter; a conversation or item must satisfy all of them.

    Lex's model gives values neither enum nor pattern, not even those of states: one that nothing has matches nothing.

    Raises:
        InvalidQueryError: a filter does not accept the operator, or a value cannot be parsed.
    """
    return [_condition(f"filters[{i}]", f"filter_{i}", requested, table) for i, requested in enumerate(filters)]


def _condition(where: str, parameter: str, requested: RequestedFilter, table: FilterTable) -> SqlFragment:
    known = table[requested.name]
    operator, values = requested.operator, requested.values
    if operator not in known.sql:
        allowed = ", ".join(known.sql)
        raise InvalidQueryError(f"{where}.operator", f"{requested.name} takes {allowed}, not {operator}")
    if operator in {GT, LT} and len(values) > 1:
        raise InvalidQueryError(f"{where}.values", f"{operator} takes one value only")
    sql = known.sql[operator].format(known.expression, parameter)
    if known.sql is SECONDS:
        seconds = [_seconds(f"{where}.values[{i}]", value) for i, value in enumerate(values)]
        return SqlFragment(sql, {parameter: seconds if operator == EQ else seconds[0]})
    texts = [known.spellings.get(value, value) for value in values]
    return SqlFragment(sql, {parameter: texts}, known.on_key, known.on_item, known.on_texts)


def _seconds(where: str, value: str) -> int:
    match = WHOLE_SECONDS.fullmatch(value)
    if match is None:
        raise InvalidQueryError(where, 'expected whole seconds, such as "30" or "30 sec"')
    return int(match[1])
