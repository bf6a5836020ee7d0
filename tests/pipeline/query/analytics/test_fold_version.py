"""Rows without visits are found in the window that is asked for, and only if they are current."""

import pytest

from pipeline.query.analytics.fold_version import require_visits
from pipeline.query.analytics.items import INSIDE, OVERLAPPING
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import PreconditionError
from schemas.fold_rules import FOLD_VERSION, VISITS_SINCE
from tests.pipeline.query.rows import BOT, NOW, OTHER_BOT, conversation
from tests.pipeline.query.table import Table

OLD = conversation(fold=0)
EVERYTHING = TimeRange(0, NOW)


def check(table: Table, conversations: str = INSIDE, bot: str = BOT, window: TimeRange = EVERYTHING) -> None:
    table.use(lambda clickhouse: require_visits(clickhouse, conversations, bot, window))


def test_rows_of_this_version_have_visits(table: Table) -> None:
    table.insert(conversation(fold=FOLD_VERSION))
    check(table)
    assert FOLD_VERSION >= VISITS_SINCE


@pytest.mark.parametrize("conversations", [INSIDE, OVERLAPPING])
def test_an_older_row_is_refused_with_what_to_run(table: Table, conversations: str) -> None:
    table.insert(conversation(1, fold=FOLD_VERSION), OLD)
    with pytest.raises(
        PreconditionError, match=r"`turnfold rebuild --into new --swap`.* began at 2026-05-28T19:26:40Z;"
    ):
        check(table, conversations)


@pytest.mark.parametrize("conversations", [INSIDE, OVERLAPPING])
def test_rows_outside_of_the_window_or_of_other_bots_do_not_matter(table: Table, conversations: str) -> None:
    table.insert(OLD)
    check(table, conversations, bot=OTHER_BOT)
    check(table, conversations, window=TimeRange(0, OLD.start))
    check(table, conversations, window=TimeRange(OLD.end, NOW))


def test_a_row_that_was_written_again_is_no_older_one(table: Table) -> None:
    table.insert(OLD)
    table.insert(conversation(fold=FOLD_VERSION))
    check(table)
