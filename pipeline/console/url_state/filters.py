"""The filters of the filter bar: their names in URLs, their operators, and the form fields that stand for them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.lex.analytics.filters import (
    FilterOperator,
    IntentFilterName,
    IntentStageFilterName,
    PathFilterName,
    SessionFilterName,
    UtteranceFilterName,
)

EQ = FilterOperator.EQ.value

Pairs = list[tuple[str, str]]
JsonFilter = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FilterField:
    """A filter of the bar.

    Attributes:
        name: Lex's name, and that of the URL parameter.
        label: its short name for people.
        operators: those besides EQ that a value may begin with, as in `GT 60`.
        choices: all values, where Lex defines them.
    """

    name: str
    label: str
    operators: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    def split(self, value: str) -> tuple[str, str]:
        """Split a value of the URL into operator and operand."""
        operator, space, operand = value.partition(" ")
        return (operator, operand) if space and operator in {EQ, *self.operators} and self.operators else (EQ, value)


FIELDS = (
    FilterField("BotAliasId", "alias"),
    FilterField("BotVersion", "version"),
    FilterField("LocaleId", "locale"),
    FilterField("Modality", "mode", choices=("Text", "Speech", "DTMF", "MultiMode")),
    FilterField("Channel", "channel"),
    FilterField("ConversationEndState", "ended", ("CO",), ("Success", "Failure", "Dropped")),
    FilterField("Duration", "lasted", ("GT", "LT")),
    FilterField("IntentPath", "intent path"),
    FilterField("IntentPathStart", "path start"),
    FilterField("SessionId", "session"),
    FilterField("OriginatingRequestId", "request"),
    FilterField("UtteranceText", "said", ("CO",)),
)
BY_NAME = {field.name: field for field in FIELDS}
SESSION_FILTERS = tuple(SessionFilterName)
INTENT_FILTERS = tuple(IntentFilterName)
STAGE_FILTERS = tuple(IntentStageFilterName)
UTTERANCE_FILTERS = tuple(UtteranceFilterName)
PATH_FILTERS = tuple(PathFilterName)
FORM_FIELDS = {"longer": ("Duration", "GT"), "shorter": ("Duration", "LT"), "said": ("UtteranceText", "CO")}
"""Form field -> the filter and operator that its value is for."""


def read_filters(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Collect the values of each filter, in the order of FIELDS; form fields become values, empty values nothing."""
    found: dict[str, list[str]] = {name: [] for name in BY_NAME}
    for name, value in pairs:
        if not value.strip():
            continue
        if name in FORM_FIELDS:
            filter_name, operator = FORM_FIELDS[name]
            found[filter_name].append(f"{operator} {value.strip()}")
        elif name in found:
            found[name].append(value)
    return {name: tuple(dict.fromkeys(values)) for name, values in found.items() if values}


def lex_filters(filters: Mapping[str, Sequence[str]], accepted: Collection[str]) -> list[JsonFilter]:
    """Build the filters of a request, of those that its operation accepts: one for each name and operator."""
    built: list[JsonFilter] = []
    for name, values in filters.items():
        if name not in accepted:
            continue
        by_operator: dict[str, list[str]] = {}
        for value in values:
            operator, operand = BY_NAME[name].split(value)
            by_operator.setdefault(operator, []).append(operand)
        built += [{"name": name, "operator": operator, "values": each} for operator, each in by_operator.items()]
    return built


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force, in words: `lasted more than 60`. `pair` is the URL parameter that it stands for."""

    label: str
    relation: str
    value: str
    pair: tuple[str, str]


RELATIONS = {EQ: "is", "GT": "more than", "LT": "less than", "CO": "contains"}


def chips(filters: Mapping[str, Sequence[str]]) -> list[Chip]:
    """Describe each value of each filter."""
    return [
        Chip(BY_NAME[name].label, RELATIONS[operator], operand, (name, value))
        for name, values in filters.items()
        for value in values
        for operator, operand in [BY_NAME[name].split(value)]
    ]
