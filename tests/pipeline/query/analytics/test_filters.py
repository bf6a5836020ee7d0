from enum import StrEnum

import pytest

from pipeline.query.analytics.filters import (
    END_STATE,
    EQ,
    INTENT_FILTERS,
    PATH_FILTERS,
    SESSION_FILTERS,
    STAGE_FILTERS,
    UTTERANCE_FILTERS,
    FilterTable,
    RequestedFilter,
    SqlFragment,
    conditions,
)
from pipeline.query.errors import InvalidQueryError
from schemas.lex.analytics.filters import (
    AnalyticsIntentFilter,
    AnalyticsSessionFilter,
    FilterOperator,
    IntentFilterName,
    IntentStageFilterName,
    PathFilterName,
    SessionFilterName,
    UtteranceFilterName,
)

EQUAL_ONLY = {
    "BotAliasId": "bot_alias_id",
    "BotVersion": "bot_version",
    "LocaleId": "locale_id",
    "Modality": "mode",
    "Channel": "channel",
    "SessionId": "session_id",
    "OriginatingRequestId": "originating_request_id",
    "IntentPath": "intent_path",
}
END_STATE_CONTAINS = f"arrayExists(part -> position({END_STATE}, part) > 0, {{filter_0:Array(String)}})"
TAKEN = {
    **{(name, "EQ"): f"({sql} IN {{filter_0:Array(String)}} AND {sql} != '')" for name, sql in EQUAL_ONLY.items()},
    ("Duration", "EQ"): "duration_seconds IN {filter_0:Array(UInt64)}",
    ("Duration", "GT"): "duration_seconds > {filter_0:UInt64}",
    ("Duration", "LT"): "duration_seconds < {filter_0:UInt64}",
    ("ConversationEndState", "EQ"): f"({END_STATE} IN {{filter_0:Array(String)}} AND {END_STATE} != '')",
    ("ConversationEndState", "CO"): f"({END_STATE} != '' AND {END_STATE_CONTAINS})",
    ("IntentPathStart", "EQ"): (
        "(intent_path != '' AND arrayExists(path -> startsWith(concat(intent_path, '/'), concat(path, '/')),"
        " {filter_0:Array(String)}))"
    ),
    ("UtteranceText", "EQ"): "hasAny(utterance_texts, {filter_0:Array(String)})",
    ("UtteranceText", "CO"): (
        "arrayExists(text -> arrayExists(part -> position(text, part) > 0, {filter_0:Array(String)}), utterance_texts)"
    ),
}
PAIRS = [(name.value, operator.value) for name in SessionFilterName for operator in FilterOperator]


def asked(name: str, operator: str, *values: str) -> AnalyticsSessionFilter:
    return AnalyticsSessionFilter(SessionFilterName(name), FilterOperator(operator), values)


def built(*filters: RequestedFilter, table: FilterTable = SESSION_FILTERS) -> list[SqlFragment]:
    return conditions(filters, table)


@pytest.mark.parametrize(("name", "operator"), PAIRS)
def test_each_filter_takes_its_operators_and_no_other(name: str, operator: str) -> None:
    value, bound = ("30", 30) if name == "Duration" else ("x", "x")
    if (name, operator) in TAKEN:
        one = operator in {"GT", "LT"}
        on_key = name in {"SessionId", "OriginatingRequestId"}
        bound_to = {"filter_0": bound if one else [bound]}
        wanted = SqlFragment(TAKEN[name, operator], bound_to, on_key, on_texts=name == "UtteranceText")
        assert built(asked(name, operator, value)) == [wanted]
    else:
        right = ", ".join(taken for known, taken in TAKEN if known == name)
        with pytest.raises(InvalidQueryError) as refused:
            built(asked(name, operator, value))
        assert str(refused.value) == f"filters[0].operator: {name} takes {right}, not {operator}"


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (SESSION_FILTERS, SessionFilterName),
        (INTENT_FILTERS, IntentFilterName),
        (STAGE_FILTERS, IntentStageFilterName),
        (UTTERANCE_FILTERS, UtteranceFilterName),
        (PATH_FILTERS, PathFilterName),
    ],
)
def test_every_filter_name_of_the_wire_is_in_the_table(table: FilterTable, names: type[StrEnum]) -> None:
    assert set(table) == set(names)


@pytest.mark.parametrize(
    ("table", "on_item"),
    [
        (INTENT_FILTERS, {"IntentName", "IntentEndState"}),
        (STAGE_FILTERS, {"IntentName", "IntentStageName"}),
        (UTTERANCE_FILTERS, {"UtteranceState", "UtteranceText"}),
    ],
)
def test_conditions_on_items_are_told_from_those_on_conversations(table: FilterTable, on_item: set[str]) -> None:
    assert {name for name, known in table.items() if known.on_item} == on_item
    for name in on_item | {"LocaleId"}:
        (condition,) = conditions([AnalyticsIntentFilter(name, EQ, ("x",))], table)  # type: ignore[arg-type]  # of any operation
        assert condition.on_item == (name in on_item)


def test_failed_has_two_spellings() -> None:
    values = ("Failure", "Failed", "Dropped")
    (condition,) = built(AnalyticsIntentFilter(IntentFilterName.INTENT_END_STATE, EQ, values), table=INTENT_FILTERS)
    assert condition.parameters == {"filter_0": ["Failed", "Failed", "Dropped"]}
    (condition,) = built(asked("ConversationEndState", "EQ", *values))
    assert condition.parameters == {"filter_0": ["Failure", "Failure", "Dropped"]}


def test_values_that_nothing_has_are_no_error() -> None:
    """They match nothing: in Lex's model a filter takes any text."""
    for name, value in {
        "ConversationEndState": "dropped",
        "BotAliasId": "!",
        "LocaleId": "",
        "Modality": "Song",
    }.items():
        (condition,) = built(asked(name, "EQ", value))
        assert condition.parameters == {"filter_0": [value]}


@pytest.mark.parametrize("text", ["30", "30 sec", "30 secs", "30 s", "30 seconds", "30 second", "30s", "030"])
def test_a_duration_is_read_with_and_without_its_unit(text: str) -> None:
    (condition,) = built(asked("Duration", "LT", text))
    assert condition.parameters == {"filter_0": 30}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "long",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "30 min",
        "30  s",
        " 30",
        "30\n",
        "٣٠",
        "1" * 16,
        "30 sec 5",
        "30S",
    ],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidQueryError, match=r'^filters\[1\]\.values\[2\]: expected whole seconds, such as "30"'):
        built(asked("LocaleId", "EQ", "en_US"), asked("Duration", "EQ", "1", "2", text))


@pytest.mark.parametrize("operator", ["GT", "LT"])
def test_greater_and_less_take_one_value(operator: str) -> None:
    with pytest.raises(InvalidQueryError, match=rf"^filters\[0\]\.values: {operator} takes one value only$"):
        built(asked("Duration", operator, "1", "2"))


def test_equal_and_contains_take_several() -> None:
    found = built(asked("Duration", "EQ", "1", "2 sec"), asked("ConversationEndState", "CO", "Fail", "Drop"))
    assert [condition.parameters for condition in found] == [
        {"filter_0": [1, 2]},
        {"filter_1": ["Fail", "Drop"]},
    ]


def test_a_value_never_becomes_part_of_the_statement() -> None:
    text = "x') OR 1=1 --"
    for name in [*EQUAL_ONLY, "IntentPathStart", "UtteranceText"]:
        (condition,) = built(asked(name, "EQ", text))
        assert text not in condition.sql
        assert condition.parameters == {"filter_0": [text]}
