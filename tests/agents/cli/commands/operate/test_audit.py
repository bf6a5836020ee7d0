"""`turnfold audit` prints differences and counts, and its exit status tells them apart."""

import msgspec
import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from schemas.lex.log_entry import bot_id
from tests.agents.cli.command import turnfold
from tests.events import RULES, START, turn
from tests.pipeline.audit.tables import Tables

AUDIT = ("audit", "--pause=0")
TALK = [turn(timestamp=START + n, request_id=f"request-{n}") for n in range(3)]


@pytest.fixture
def tables(with_tables: Settings) -> Tables:
    """A right conversation."""
    tables = Tables(with_tables)
    tables.fold(TALK)
    return tables


@pytest.fixture
def wrong(tables: Tables) -> Tables:
    """The same, a wrong one of a V1 bot, and one that the archive does not know."""
    other = turn(bot_id=bot_id("Florist"), session_id="session-\x1b[31m")
    tables.put(msgspec.structs.replace(fold([other], RULES), turns=7, version=9), events=[other])
    tables.put(msgspec.structs.replace(fold(TALK, RULES), session_id="unknown"))
    return tables


@pytest.mark.usefixtures("tables")
def test_where_nothing_differs_the_status_is_0(with_tables: Settings) -> None:
    found = turnfold(with_tables, *AUDIT)
    assert (found.status, found.err) == (0, "")
    assert found.out == "1 conversations of 3 events: 0 differ, 0 repaired\n"
    assert turnfold(with_tables, *AUDIT, "--repair").status == 0


@pytest.mark.usefixtures("wrong")
def test_what_differs_is_printed_and_the_status_is_3(with_tables: Settings) -> None:
    found = turnfold(with_tables, *AUDIT)
    assert found.status == 3
    *lines, last = sorted(found.out.splitlines(), reverse=True)
    assert last == "3 conversations of 4 events: 2 differ (1 wrong, 1 without-events), 0 repaired"
    assert f"{bot_id('Florist')} session-�[31m request-1: wrong 2026-05-28T20:26:40.000Z: turns 7, not 1; " in lines[0]
    assert lines[1] == "BOTAAAAAA1 unknown request-1: without-events 2026-05-28T20:26:40.000Z"


def test_what_was_repaired_has_status_4_and_then_nothing_differs(wrong: Tables, with_tables: Settings) -> None:
    found = turnfold(with_tables, *AUDIT, "--repair")
    assert (found.status, found.err) == (4, "")
    assert "2 differ (1 wrong, 1 without-events), 2 repaired" in found.out
    assert turnfold(with_tables, *AUDIT).status == 0
    assert [row.turns for row in wrong.rows()] == [3, 1]


@pytest.mark.usefixtures("wrong")
def test_json_says_the_same(with_tables: Settings) -> None:
    said = orjson.loads(turnfold(with_tables, *AUDIT, "--json").out)
    assert (said["conversations"], said["events"], said["different"], said["repaired"]) == (3, 4, 2, 0)
    assert (said["kinds"]["wrong"], said["kinds"]["missing"], said["unsettled"]) == (1, 0, 0)
    assert {
        "kind": "wrong", "botId": bot_id("Florist"), "sessionId": "session-\x1b[31m",
        "originatingRequestId": "request-1", "start": START, "columns": {"turns": [7, 1], "version": [9, 1]},
    } in said["differences"]  # fmt: skip
    said = orjson.loads(turnfold(with_tables, *AUDIT, "--json", "--bot=NOSUCHBOT1").out)
    assert (said["differences"], said["conversations"]) == ([], 0)


@pytest.mark.usefixtures("wrong")
@pytest.mark.parametrize(
    ("options", "differ"),
    [
        (("--bot=BOTAAAAAA1",), 1),
        (("--bot=Florist",), 1),
        (("--from=2026-05-28T20:26:40Z",), 2),
        (("--to=2026-05-28T20:26:40Z",), 0),
    ],
)
def test_only_what_is_asked_for_is_audited(with_tables: Settings, options: tuple[str, ...], differ: int) -> None:
    assert f" {differ} differ" in turnfold(with_tables, *AUDIT, *options).out


def test_a_time_that_runs_backwards_is_refused() -> None:
    found = turnfold(Settings(), "audit", "--from=2026-05-02", "--to=2026-05-01")
    assert (found.status, found.out) == (2, "")
    assert "--from 2026-05-02T00:00:00.000Z is not before --to" in found.err


def test_clickhouse_away_or_without_tables_is_said(clickhouse_settings: Settings) -> None:
    away = turnfold(msgspec.structs.replace(clickhouse_settings, clickhouse="http://127.0.0.1:1"), "audit")
    assert (away.status, away.out) == (1, "")
    assert away.err.startswith("turnfold: ")
    bare = turnfold(clickhouse_settings, "audit")
    assert (bare.status, bare.out) == (2, "")
    assert "turns" in bare.err


@pytest.mark.usefixtures("tables")
def test_another_setting_of_the_fold_makes_other_rows(with_tables: Settings) -> None:
    """Whoever changes what a fallback intent is can have the past folded anew."""
    changed = msgspec.structs.replace(with_tables, fallback_intents=("BookHotel",))
    assert turnfold(changed, *AUDIT, "--repair").status == 4
    assert turnfold(changed, *AUDIT).status == 0
    assert "end_state 'Failure', not ''" in turnfold(with_tables, *AUDIT).out
