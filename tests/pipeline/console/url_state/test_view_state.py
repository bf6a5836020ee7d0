from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from pipeline.console.url_state.filters import BY_NAME
from pipeline.console.url_state.view_state import ViewState, is_from_form, read_state
from pipeline.query.errors import InvalidQueryError

NOW = 1_780_000_000_000


def read(query: str, cookie: str = "") -> ViewState:
    headers = [(b"cookie", cookie.encode())] if cookie else []
    scope: dict[str, Any] = {"type": "http", "query_string": query.encode(), "headers": headers}
    return read_state(Request(scope), NOW, ("sort", "token"))


def test_state_survives_its_own_address() -> None:
    state = read("last=30d&to=2026-01-01T00:00:00Z&LocaleId=en_GB&LocaleId=en_US&Duration=GT+60&zone=Asia/Tokyo")
    assert read(state.url()) == state


@given(st.dictionaries(st.sampled_from(sorted(BY_NAME)), st.lists(st.text("a;&=+%# \u202eé", min_size=1), max_size=3)))
def test_any_value_survives_its_own_address(filters: dict[str, list[str]]) -> None:
    state = read("last=1h")
    kept = {name: tuple(dict.fromkeys(v for v in values if v.strip())) for name, values in filters.items()}
    ordered = {name: kept[name] for name in BY_NAME if kept.get(name)}
    changed = ViewState(state.span, ordered, {}, state.zone, zone_chosen=False)
    assert read(changed.url()).filters == ordered


def test_changes_replace_add_and_remove() -> None:
    state = read("last=7d&LocaleId=en_GB&sort=Duration&token=x")
    assert state.url() == "last=7d&LocaleId=en_GB"
    assert state.url(keep=("sort",)) == "last=7d&LocaleId=en_GB&sort=Duration"
    assert state.url(LocaleId=None, Channel="Slack") == "last=7d&Channel=Slack"
    assert state.url(without=[("LocaleId", "en_GB")]) == "last=7d"
    assert state.without_filters(("sort",)) == "last=7d&sort=Duration"


def test_requests_have_the_filters_that_the_operation_accepts_and_others_are_told() -> None:
    state = read("from=1970-01-01T00:00:01Z&to=1970-01-01T00:00:09Z&Duration=GT+60")
    assert state.request({"LocaleId"}, maxResults=5) == {"startDateTime": 1, "endDateTime": 9, "maxResults": 5}
    assert state.ignored({"LocaleId"}) == ["Duration"]
    assert state.request({"Duration"})["filters"] == [{"name": "Duration", "operator": "GT", "values": ["60"]}]


def test_the_zone_is_that_of_the_address_or_of_the_cookie_or_utc() -> None:
    assert read("", "turnfold_zone=Europe/Berlin").zone.key == "Europe/Berlin"
    assert read("zone=Asia/Tokyo", "turnfold_zone=Europe/Berlin").zone.key == "Asia/Tokyo"
    assert read("", "turnfold_zone=../../etc/passwd").zone.key == "UTC"


@pytest.mark.parametrize("zone", ["Nowhere", "../../etc/passwd", "/etc/passwd", "Europe", "\x00"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(InvalidQueryError, match="no such time zone"):
        read(f"zone={zone}")


def test_what_a_form_sends_is_told_from_an_address() -> None:
    assert is_from_form([("last", "7d"), ("Channel", "")])
    assert is_from_form([("longer", "60")])
    assert is_from_form([("last", "between"), ("from", "2026-01-01T00:00")])
    assert not is_from_form([("from", "2026-01-01T00:00:00Z"), ("LocaleId", "en_GB")])
