"""Filters of a request in; SQL conditions and their parameters out, by a table of names and operators."""

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
"""What a conversation's end state is at the instant of the query; empty where it is still open."""


@dataclass(frozen=True, slots=True)
class SqlFragment:
    """A piece of SQL, and the values of the `{name:Type}` parameters in it."""

    sql: str
    parameters: dict[str, Any]
    on_key: bool = False
    """It is a condition on the table's key alone, which all versions of a row share."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a filter looks at: an expression over `conversations`, text or else whole seconds; and how.

    With `on_key`, it looks at the key of the table alone.
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

# An absent field is stored as '', and absent neither equals nor contains anything: hence `!= ''`.
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
    """One condition per filter; all of them have to hold.

    Raises:
        InvalidQueryError: an operator that the filter does not take, or values that it cannot read.
    """
    return [_condition(f"filters[{i}]", f"filter_{i}", asked) for i, asked in enumerate(filters)]


def _condition(where: str, parameter: str, asked: AnalyticsSessionFilter) -> SqlFragment:
    known = FILTERS[asked.name]
    if asked.operator not in known.operators:
        right = ", ".join(known.operators)
        raise InvalidQueryError(f"{where}.operator", f"{asked.name} takes {right}, not {asked.operator}")
    if asked.operator in {GT, LT} and len(asked.values) > 1:
        raise InvalidQueryError(f"{where}.values", f"{asked.operator} takes one value only")
    templates = SECONDS_SQL if known.seconds else TEXT_SQL
    sql = templates[asked.operator].format(known.expression, parameter)
    if not known.seconds:
        return SqlFragment(sql, {parameter: list(asked.values)}, known.on_key)
    seconds = [_seconds(f"{where}.values[{i}]", value) for i, value in enumerate(asked.values)]
    return SqlFragment(sql, {parameter: seconds if asked.operator == EQ else seconds[0]})


def _seconds(where: str, value: str) -> int:
    found = SECONDS.fullmatch(value)
    if found is None:
        raise InvalidQueryError(where, 'expected whole seconds, such as "30" or "30 sec"')
    return int(found[1])
