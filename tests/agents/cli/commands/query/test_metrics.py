"""`turnfold metrics` counts what the query layer counts."""

import csv
import io
import json
from collections.abc import Iterator

import pytest

from agents.cli.subjects import SUBJECTS
from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold
from tests.agents.cli.commands.query.counted import FROM_TO, counted
from tests.pipeline.http.operations.test_list_sessions import insert
from tests.pipeline.query.rows import conversation
from tests.pipeline.query.session_entries import BOT


@pytest.fixture
def api(with_tables: Settings) -> Iterator[Settings]:
    with counted(with_tables) as settings:
        yield settings


def rows(api: Settings, subject: str, *options: str) -> list[dict[str, str]]:
    found = turnfold(api, "metrics", subject, BOT, *FROM_TO, "--format", "csv", *options)
    assert (found.status, found.err) == (0, "")
    return [*csv.DictReader(io.StringIO(found.out))]


def test_each_subject_counts_its_own(api: Settings) -> None:
    counts = {subject: int(rows(api, subject)[0]["CountSum"]) for subject in SUBJECTS}
    assert counts == {"sessions": 4, "intents": 7, "stages": 3, "utterances": 7}
    assert rows(api, "sessions")[0] == {
        "CountSum": "4", "SuccessSum": "3", "FailureSum": "1", "DroppedSum": "0", "DurationAvg": "0.75",
        "TurnsPerConversationAvg": "1.75",
    }  # fmt: skip


def test_groups_are_in_the_order_of_their_count(api: Settings) -> None:
    found = rows(api, "intents", "--by", "intentname", "--metric", "count", "--metric", "switched:avg")
    assert [(row["IntentName"], row["CountSum"]) for row in found] == [
        ("BookCar", "3"), ("BookHotel", "3"), ("FallbackIntent", "1"),
    ]  # fmt: skip
    ascending = rows(api, "intents", "--by", "IntentName", "--order", "asc", "--limit", "1")
    assert [row["IntentName"] for row in ascending] == ["FallbackIntent"]


def test_bins_are_days_or_hours_the_newest_first(api: Settings) -> None:
    found = rows(api, "sessions", "--bin", "day", "--metric", "Count")
    assert [(row["ConversationStartTime"][:10], row["CountSum"]) for row in found] == [
        ("2026-05-30", "2"), ("2026-05-29", "2"),
    ]  # fmt: skip
    assert len(rows(api, "utterances", "--bin", "hour", "--sort", "count", "--filter", "UtteranceText CO Car")) == 3


def test_all_formats_show_the_same(api: Settings) -> None:
    asked = ("metrics", "utterances", BOT, *FROM_TO, "--by", "UtteranceText")
    told = json.loads(turnfold(api, *asked, "--format", "json").out)
    assert [result["groupByKeys"][0]["value"] for result in told] == [
        "I want BookCar",
        "I want BookHotel",
        "I want FallbackIntent",
    ]
    title, header, *lines = turnfold(api, *asked).out.splitlines()
    assert title.startswith(f"{BOT}, 2026-05-28 00:00 to 2026-06-28 00:00 UTC")
    assert header.split() == ["UtteranceText", "Count", "Detected", "Missed"]
    assert lines[2].split() == ["I", "want", "FallbackIntent", "1", "0", "0%", "1", "100%", "██████▋"]


def test_what_is_wrong_is_refused_by_the_command_or_the_server(api: Settings) -> None:
    for options, said in (
        (("--metric", "Retry"), "--metric 'Retry': unknown name Retry; known are Count"),
        (("--by", "Modality"), "--by: unknown name Modality"),
        (("--bin", "week"), "'week' is not one of 'hour', 'day'"),
        (("--filter", "IntentName=x"), "unknown name IntentName"),
        (("--metric", "Count") * 8, "metrics: expected array of length <= 7"),
    ):
        found = turnfold(api, "metrics", "sessions", BOT, *options)
        assert (found.status, found.out) == (2, "")
        assert said in found.err


def test_rows_from_before_visits_are_an_error_that_says_what_to_run(api: Settings) -> None:
    insert(api, conversation(bot_id="OLDAAAAAA1", fold=0))
    found = turnfold(api, "metrics", "intents", "OLDAAAAAA1", *FROM_TO)
    assert (found.status, found.out) == (2, "")
    assert "`turnfold rebuild --into new --swap`" in found.err


def test_help_names_what_there_is() -> None:
    found = turnfold(Settings(), "metrics", "stages", "--help")
    assert found.status == 0
    for word in ("Retry", "SwitchedToIntent", "IntentStageName", "--bin", "visits of slots and confirmations"):
        assert word in " ".join(found.out.split())
