"""Commands about a bot's conversations share their options, and what these mean."""

import re
from datetime import datetime, timedelta
from typing import Any

import click
import pytest
from click.testing import CliRunner

from agents.cli.list_options import Selection, filters_in_words, formats, hint, in_order, limits, selects
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from schemas.lex.analytics.filters import PathFilterName, SessionFilterName
from schemas.lex.log_entry import bot_id


@click.command()
@selects(PathFilterName)
@click.argument("more", default="none")
@in_order
@limits
@formats
@click.pass_obj
def echo(into: dict[str, Any], /, **given: Any) -> None:
    """Keep what the command was given."""
    into.update(given)


def given(*arguments: str) -> dict[str, Any]:
    into: dict[str, Any] = {}
    found = CliRunner().invoke(echo, arguments, obj=into)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return into


def test_the_defaults_are_a_day_of_all_that_there_is() -> None:
    found = given("BOTAAAAAA1")
    selection: Selection = found.pop("selection")
    assert found == {"more": "none", "order": "desc", "limit": 50, "form": "table"}
    assert (selection.bot_id, selection.filters) == ("BOTAAAAAA1", [])
    assert selection.stop - selection.start == timedelta(days=1)
    assert set(selection.request()) == {"startDateTime", "endDateTime"}


def test_options_make_a_request() -> None:
    found = given("Florist", "x", "--from", "2026-05-01", "--to", "2026-05-02", "--filter", "localeid=en_US,en_GB",
                  "--all", "--order", "asc", "--format", "csv")  # fmt: skip
    selection: Selection = found.pop("selection")
    assert found == {"more": "x", "order": "asc", "limit": None, "form": "csv"}
    locale = {"name": "LocaleId", "operator": "EQ", "values": ["en_US", "en_GB"]}
    assert selection.request({"name": "X"}) == {
        "startDateTime": datetime.fromisoformat("2026-05-01T00:00Z").timestamp(),
        "endDateTime": datetime.fromisoformat("2026-05-02T00:00Z").timestamp(),
        "filters": [locale, {"name": "X"}],
    }
    assert selection.title == f"Florist ({bot_id('Florist')}), 2026-05-01 00:00 to 2026-05-02 00:00 UTC"


def test_filters_are_those_of_the_command() -> None:
    with pytest.raises(UsageError, match="unknown name SessionId; known are BotAliasId, BotVersion"):
        given("B", "--filter", "SessionId=x")
    assert filters_in_words(PathFilterName).startswith("Filters: BotAliasId, BotVersion, LocaleId, Modality, Channel. ")
    assert all(name in filters_in_words(SessionFilterName) for name in SessionFilterName)


@pytest.mark.parametrize(
    ("count", "limit", "said"),
    [(0, 5, "no bots; --last 30d"), (5, 5, "the first 5; --limit N"), (4, 5, ""), (9, None, ""), (0, None, "no bots")],
)
def test_an_empty_or_a_cut_table_says_what_may_help(
    capsys: pytest.CaptureFixture[str], count: int, limit: int | None, said: str
) -> None:
    hint(Settings(api="http://127.0.0.1:1"), given("B")["selection"], count, limit, "bots")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.match(re.escape(said), shown.err)
    assert bool(shown.err) == bool(said)
