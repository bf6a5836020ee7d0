"""Translate the filters of a request into SQL conditions, by a table of filter names and operators."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.query.errors import InvalidQueryError
from schemas.lex.analytics import AnalyticsSessionFilter, FilterOperator, SessionFilterName

EQ, GT, LT, CO = FilterOperator.EQ, FilterOperator.GT, FilterOperator.LT, FilterOperator.CO
SECONDS = re.compile(r"(\d{1,15}) ?(?:s|secs?|seconds?)?", re.ASCII)
END_STATE = (
    "if(end_state != '', end_state, if(end < fromUnixTimestamp64Milli({dropped_before:Int64}, 'UTC'), 'Dropped', ''))"
)
"""SQL of a conversation's end state at the time of the query; empty while it is still open."""


@dataclass(frozen=True, slots=True)
class SqlFragment:
    """A piece of SQL and the values of its `{name:Type}` parameters."""

    sql: str
    parameters: dict[str, Any]
    on_key: bool = False
    """True if it is a condition on the table's key alone, which all versions of a row share."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The column of a filter and its operators.

    Attributes:
        expression: SQL over table `conversations`.
        operators: those that the filter accepts.
        seconds: the values are whole seconds; otherwise text.
        on_key: the expression is part of the table's key.
    """

    expression: str
    operators: tuple[FilterOperator, ...] = (EQ,)
    seconds: bool = False
    on_key: bool = False


FILTERS = {
    SessionFilterName.BOT_ALIAS_ID: Filter("bot_alias_id"),
    SessionFilterName.BOT_VERSION: Filter("bot_version"),
    SessionFilterName.LOCALE_ID: Filter("locale_id"),
    SessionFilterName.MODALITY: Filter("mode"),
    SessionFilterName.CHANNEL: Filter("channel"),
    SessionFilterName.DURATION: Filter("duration_seconds", (EQ, GT, LT), seconds=True),
    SessionFilterName.CONVERSATION_END_STATE: Filter(END_STATE, (EQ, CO)),
    SessionFilterName.SESSION_ID: Filter("session_id", on_key=True),
    SessionFilterName.ORIGINATING_REQUEST_ID: Filter("originating_request_id", on_key=True),
    SessionFilterName.INTENT_PATH: Filter("intent_path"),
}

# An absent field is stored as '', and an absent field neither equals nor contains anything: hence `!= ''`.
TEXT_SQL = {
    EQ: "({0} IN {{{1}:Array(String)}} AND {0} != '')",
    CO: "({0} != '' AND arrayExists(part -> position({0}, part) > 0, {{{1}:Array(String)}}))",
}
SECONDS_SQL = {
    EQ: "{0} IN {{{1}:Array(UInt64)}}",
    GT: "{0} > {{{1}:UInt64}}",
    LT: "{0} < {{{1}:UInt64}}",
}


def conditions(filters: Sequence[AnalyticsSessionFilter]) -> list[SqlFragment]:
    """Build one condition for each filter; a session must satisfy all of them.

    Raises:
        InvalidQueryError: a filter does not accept the operator, or a value cannot be parsed.
    """
    return [_condition(f"filters[{i}]", f"filter_{i}", requested) for i, requested in enumerate(filters)]


def _condition(where: str, parameter: str, requested: AnalyticsSessionFilter) -> SqlFragment:
    known = FILTERS[requested.name]
    operator, values = requested.operator, requested.values
    if operator not in known.operators:
        allowed = ", ".join(known.operators)
        raise InvalidQueryError(f"{where}.operator", f"{requested.name} takes {allowed}, not {operator}")
    if operator in {GT, LT} and len(values) > 1:
        raise InvalidQueryError(f"{where}.values", f"{operator} takes one value only")
    templates = SECONDS_SQL if known.seconds else TEXT_SQL
    sql = templates[operator].format(known.expression, parameter)
    if not known.seconds:
        return SqlFragment(sql, {parameter: list(values)}, known.on_key)
    seconds = [_seconds(f"{where}.values[{i}]", value) for i, value in enumerate(values)]
    return SqlFragment(sql, {parameter: seconds if operator == EQ else seconds[0]})


def _seconds(where: str, value: str) -> int:
    match = SECONDS.fullmatch(value)
    if match is None:
        raise InvalidQueryError(where, 'expected whole seconds, such as "30" or "30 sec"')
    return int(match[1])
