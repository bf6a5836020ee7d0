"""Times, durations and filters are parsed, or refused with an example."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import click
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cli.options import (
    Subcommands,
    parse_duration,
    parse_filters,
    parse_time,
    parse_time_range,
    resolve_bot_id,
)
from pipeline.runtime.errors import UsageError
from schemas.lex.analytics.filters import SessionFilterName
from schemas.lex.log_entry import bot_id

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(("text", "name", "operator", "values"), [
    ("Duration GT 60", "Duration", "GT", ["60"]),
    ("duration gt 60", "Duration", "GT", ["60"]),
    ("Duration>60", "Duration", "GT", ["60"]),
    ("Duration < 60 sec", "Duration", "LT", ["60 sec"]),
    ("LocaleId=en_US,en_GB", "LocaleId", "EQ", ["en_US", "en_GB"]),
    (" LocaleId = en_US , en_GB ", "LocaleId", "EQ", ["en_US", "en_GB"]),
    ("ConversationEndState CO Drop", "ConversationEndState", "CO", ["Drop"]),
    ("IntentPath=/BookHotel/BookCar", "IntentPath", "EQ", ["/BookHotel/BookCar"]),
    ("SessionId=a=b", "SessionId", "EQ", ["a=b"]),
    ("SessionId EQ GT 5", "SessionId", "EQ", ["GT 5"]),
    ("Channel=Connect Chat", "Channel", "EQ", ["Connect Chat"]),
])  # fmt: skip
def test_filters_are_read_as_people_write_them(text: str, name: str, operator: str, values: list[str]) -> None:
    assert parse_filters([text], SessionFilterName) == [{"name": name, "operator": operator, "values": values}]


@pytest.mark.parametrize(
    "text", ["", "Duration", "Duration 60", "=60", "Duration XX 60", "Duration GT60", "Duration GT"]
)
def test_what_is_no_filter_is_told_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="expected 'LocaleId=en_US,en_GB'"):
        parse_filters([text], SessionFilterName)


def test_an_unknown_name_is_told_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown name Locale; known are BotAliasId, ") as raised:
        parse_filters(["Locale=en_US"], SessionFilterName)
    assert all(name in str(raised.value) for name in SessionFilterName)


@pytest.mark.parametrize("text", ["LocaleId=", "LocaleId= , ,", "Duration GT  "])
def test_a_filter_needs_a_value(text: str) -> None:
    with pytest.raises(UsageError, match="has no value"):
        parse_filters([text], SessionFilterName)


@given(st.text(max_size=30))
@settings(deadline=None)
def test_any_text_is_a_filter_or_told(text: str) -> None:
    with suppress(UsageError):
        assert parse_filters([text], SessionFilterName)[0]["name"] in list(SessionFilterName)


def test_without_a_word_the_window_is_the_last_day() -> None:
    assert parse_time_range(None, None, None, NOW) == (NOW - timedelta(days=1), NOW)


def test_the_window_is_what_was_said() -> None:
    assert parse_time_range("2026-11-01", None, None, NOW) == (datetime(2026, 11, 1, tzinfo=UTC), NOW)
    assert parse_time_range(None, "2026-11-01", "2h", NOW) == (
        datetime(2026, 10, 31, 22, tzinfo=UTC),
        datetime(2026, 11, 1, tzinfo=UTC),
    )
    assert parse_time_range("2026-11-01", "2026-11-02", None, NOW)[1] == datetime(2026, 11, 2, tzinfo=UTC)


def test_two_beginnings_and_an_end_before_the_beginning_are_told() -> None:
    with pytest.raises(UsageError, match="give one of them"):
        parse_time_range("2026-11-01", None, "2h", NOW)
    with pytest.raises(UsageError, match="is not before"):
        parse_time_range("2026-11-02", "2026-11-02", None, NOW)
    with pytest.raises(UsageError, match="is not before"):
        parse_time_range("2027-01-01", None, None, NOW)


@pytest.mark.parametrize(("text", "hour"), [
    ("2026-11-01T09:30", 9), ("2026-11-01T09:30Z", 9), ("2026-11-01T09:30+02:00", 7), ("2026-11-01 09:30", 9),
])  # fmt: skip
def test_a_time_without_a_zone_is_utc(text: str, hour: int) -> None:
    assert parse_time("--from", text) == datetime(2026, 11, 1, hour, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-11-31", "10:00", "1767225600000000000000"])
def test_what_is_no_time_is_told_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match=r"--to .* is not a time; expected 2026-11-01"):
        parse_time("--to", text)


@pytest.mark.parametrize(
    ("text", "span"), [("90s", 90), ("15m", 900), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), ("1.5h", 5400)]
)
def test_spans_are_read(text: str, span: float) -> None:
    assert parse_duration(text) == span


@pytest.mark.parametrize("text", ["", "h", "24", "24 hours", "-1h", "0h", "1y", "1e3h", "999999999w", "\u0661h"])
def test_what_is_no_span_is_told_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="expected 90s, 15m, 24h, 7d or 2w"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["TRAVELBOT1", "HARBORBANK", "0123456789", "botaaaaaa1"])
def test_what_may_be_an_id_is_one(text: str) -> None:
    assert resolve_bot_id(text) == text


@pytest.mark.parametrize("text", ["OrderPizza", "restaurant", "Book_Hotel", "Wayfarer", "TRAVELBOT12", "\u0666" * 10])
def test_any_other_text_is_the_name_of_a_v1_bot(text: str) -> None:
    """One of ten letters, too: `forget --bot OrderPizza` would erase nothing."""
    assert resolve_bot_id(text) == bot_id(text)


def test_an_empty_bot_is_told() -> None:
    with pytest.raises(UsageError, match="the bot is empty; expected the id"):
        resolve_bot_id("")


@pytest.mark.parametrize("name", ["sesions", "TRAVELBOT1", "--last"])
def test_a_command_that_is_none_names_those_that_are(name: str) -> None:
    """As `turnfold metrics TRAVELBOT1`."""

    @click.group(cls=Subcommands)
    def metrics() -> None:
        pass

    for known in ("sessions", "intents"):
        metrics.add_command(click.Command(known))
    ended = CliRunner().invoke(metrics, [name])
    assert ended.exit_code == 2
    no_command = f"No such command '{name}'; known: intents, sessions."
    assert ("No such option: --last" if name == "--last" else no_command) in ended.output
    assert CliRunner().invoke(metrics, ["sessions"]).exit_code == 0
