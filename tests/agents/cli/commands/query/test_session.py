"""`turnfold session` prints a session's state and transcript, as tables or JSON."""

import json
from collections.abc import Iterator

import msgspec
import pytest

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold
from tests.pipeline.http.runtime import insert, standing_still
from tests.pipeline.query.session_entries import ALIAS, BOT, NAMES, scalar, v1, v2


@pytest.fixture
def api(with_tables: Settings) -> Iterator[Settings]:
    """A query layer over the sessions of two users."""
    with standing_still(with_tables) as url:
        city = {"slots": {"City": scalar("Lisbon")}, "checkpointLabel": "Placed"}
        insert(with_tables, v2(20, "Greet"), v2(10, intent_=city), v1(15, userId="x:y", botAlias="a/b"))
        yield msgspec.structs.replace(with_tables, api=url)


def test_names_and_ids_show_the_session_and_what_was_said(api: Settings) -> None:
    by_names = turnfold(api, "session", *NAMES)
    by_ids = turnfold(api, "session", BOT, ALIAS, "user-1")
    assert (by_names.status, by_names.err, by_ids.err) == (0, "", "")
    lines = [" ".join(line.split()) for line in by_names.out.splitlines()]
    assert "conversation origin-1" in lines
    assert "BookHotel - None Placed ElicitSlot City City=Lisbon" in lines
    said = [line.split(" ", 1)[1] for line in lines[lines.index("transcript") + 2 :] if line]
    assert said == ["user Said 20", "bot Reply of 20", "user Said 10", "bot Reply of 10"]
    assert by_ids.out.splitlines()[1:] == by_names.out.splitlines()[1:]


def test_names_with_slashes_and_colons_are_found(api: Settings) -> None:
    found = turnfold(api, "session", "Travel", "a/b", "x:y")
    assert (found.status, found.err) == (0, "")
    assert "Said 15" in found.out


def test_a_label_and_a_number_of_turns_bound_what_is_shown(api: Settings) -> None:
    found = turnfold(api, "session", *NAMES, "--label", "Placed", "--turns", "1")
    assert found.err == "the last 1; --turns N shows more, 1000 at most\n"
    assert "BookHotel" in found.out
    assert "Greet" not in found.out
    assert "Said 20" not in found.out


def test_json_is_both_answers(api: Settings) -> None:
    found = json.loads(turnfold(api, "session", *NAMES, "--json").out)
    assert found["session"]["sessionId"] == found["transcript"]["originatingRequestId"] == "origin-1"
    assert [turn["inputTranscript"] for turn in found["transcript"]["turns"]] == ["Said 20", "Said 10"]


@pytest.mark.parametrize(("arguments", "said"), [
    (("Travel", "live", "nobody"), "no session of nobody is open"),
    (("Nowhere", "live", "user-1"), "no session of user-1 is open"),
    (("..", ".", "user-1"), "no session of user-1 is open"),
    (("Travel", "live", "u"), "userId: expected 2 to 100 of"),
    (("Travel", "live", "user-1", "--label", "a b"), "checkpointLabelFilter: expected 1 to 255 of"),
    (("Travel", "live", "user-1", "--turns", "0"), "0 is not in the range"),
    (("Travel", "live"), "Missing argument"),
])  # fmt: skip
def test_asking_in_vain_or_wrongly_is_told(api: Settings, arguments: tuple[str, ...], said: str) -> None:
    found = turnfold(api, "session", *arguments)
    assert (found.status, found.out) == (2, "")
    assert said in found.err


def test_nobody_there_is_trouble_that_passes() -> None:
    found = turnfold(Settings(api="http://127.0.0.1:1"), "session", *NAMES)
    assert (found.status, found.out) == (1, "")
    assert "`turnfold serve` starts one" in found.err
