from pipeline.console.url_state.filters import FIELDS, SESSION_FILTERS, Chip, chips, lex_filters, read_filters
from schemas.lex.analytics.filters import SessionFilterName


def test_every_filter_of_the_api_is_in_the_bar() -> None:
    assert {field.name for field in FIELDS} >= set(SessionFilterName)


def test_values_are_collected_and_empty_fields_dropped() -> None:
    pairs = [("LocaleId", "en_GB"), ("LocaleId", ""), ("LocaleId", "en_US"), ("LocaleId", "en_GB"), ("other", "x")]
    assert read_filters(pairs) == {"LocaleId": ("en_GB", "en_US")}


def test_fields_of_the_form_become_values_with_an_operator() -> None:
    assert read_filters([("longer", "60"), ("shorter", " 600 ")]) == {"Duration": ("GT 60", "LT 600")}


def test_each_operator_makes_a_filter_of_its_own() -> None:
    filters = {"Duration": ("GT 60", "LT 600", "7"), "LocaleId": ("en_GB", "en_US")}
    assert lex_filters(filters, SESSION_FILTERS) == [
        {"name": "Duration", "operator": "GT", "values": ["60"]},
        {"name": "Duration", "operator": "LT", "values": ["600"]},
        {"name": "Duration", "operator": "EQ", "values": ["7"]},
        {"name": "LocaleId", "operator": "EQ", "values": ["en_GB", "en_US"]},
    ]


def test_an_operator_is_one_only_where_the_filter_has_it() -> None:
    assert lex_filters({"SessionId": ("GT 60",)}, SESSION_FILTERS) == [
        {"name": "SessionId", "operator": "EQ", "values": ["GT 60"]}
    ]


def test_what_an_operation_does_not_accept_is_left_out() -> None:
    assert lex_filters({"Duration": ("GT 60",)}, {"LocaleId"}) == []


def test_filters_in_force_are_told_in_words() -> None:
    assert chips({"Duration": ("GT 60",), "Channel": ("Slack",)}) == [
        Chip("lasted", "more than", "60", ("Duration", "GT 60")),
        Chip("channel", "is", "Slack", ("Channel", "Slack")),
    ]
