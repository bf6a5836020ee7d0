"""After a repair the rows are what the events say, and whatever is written later goes on from there."""

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pipeline.audit.finding import Kind
from pipeline.fold.fold import fold
from pipeline.store.connection.client import ClickHouse
from schemas.conversation import Conversation
from schemas.turn import Turn
from tests.effort import OF_ENGINE, examples, sweep
from tests.events import RULES, START, turn, turns
from tests.pipeline.audit.tables import Tables, fold_and_write, folded

MONTH = 31 * 86_400_000
TALK = [turn(timestamp=START + 1000 * n, request_id=f"request-{n}") for n in range(6)]


@st.composite
def wrong_rows(draw: st.DrawFn) -> Conversation:
    """A row of one of the conversations that `turns` makes, or of none, as only an accident could write it."""
    conversation = draw(st.integers(0, 3))
    return Conversation(
        bot_id="BOTAAAAAA1",
        start=START + draw(st.sampled_from([0, 700, 1400, 3500, -MONTH, 99_999])),
        session_id=f"session-{conversation % 2}",
        originating_request_id=f"origin-{conversation}",
        end=START,
        duration_seconds=1,
        turns=77,
        mode="",
        channel="",
        bot_alias_id="",
        bot_version="",
        locale_id="",
        intents=("Wrong",),
        intent_path="",
        end_state="",
        version=draw(st.integers(0, 12)),
        is_deleted=draw(st.integers(0, 1)),
    )


@settings(
    max_examples=examples(20, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    before=st.lists(turns(), max_size=10),
    rows=st.lists(wrong_rows(), max_size=8),
    after=st.lists(st.lists(turns(), min_size=1, max_size=4), max_size=3),
)
def test_any_wrong_rows_are_repaired_and_stay_correct(
    tables: Tables, before: list[Turn], rows: list[Conversation], after: list[list[Turn]]
) -> None:
    """Rows of any version, start and fate; the events that come later have smaller versions than some of them."""
    tables.empty()
    tables.fold(before)
    for row in rows:
        tables.put(row)
    wrong = tables.rows() != folded(before)
    event(f"wrong before: {wrong}")
    differences, left = tables.repair()
    assert any(difference.kind != Kind.AHEAD for difference in differences) == wrong
    assert left == 0
    assert tables.rows() == folded(before)
    assert tables.audit() == []
    tables.fold(*after)
    assert tables.rows() == folded([*before, *(one for batch in after for one in batch)])


@pytest.mark.parametrize("version", sweep([1, 6, 7, 60]))
@pytest.mark.parametrize("deleted", [0, 1])
@pytest.mark.parametrize("start", sweep([START, START + 1000, START - 3 * MONTH]))
def test_a_row_that_could_never_be_replaced_is_deleted(tables: Tables, version: int, deleted: int, start: int) -> None:
    """An event from before all others makes that start the right one: no trace of the repair may be in its way."""
    tables.fold(TALK)
    right = fold(TALK, RULES)
    tables.put(msgspec.structs.replace(right, start=start, version=version, is_deleted=deleted, turns=99))
    assert tables.repair()[1] == 0
    assert tables.rows() == [right]
    early = turn(request_id="early", timestamp=START - 3 * MONTH)
    tables.fold([early])
    assert tables.rows() == [fold([*TALK, early], RULES)]


def test_what_a_worker_writes_during_a_repair_is_kept(tables: Tables) -> None:
    """The next event comes at every pause, and its row is newer than what the repair knows."""
    tables.fold(TALK[:2])
    tables.put(msgspec.structs.replace(fold(TALK[:2], RULES), version=50, turns=99))
    late = TALK[:1:-1]
    quiet = [True]  # at the first pause: what differs is confirmed

    async def write_on(clickhouse: ClickHouse) -> None:
        if quiet:
            quiet.pop()
        elif late:
            await fold_and_write(clickhouse, [late.pop()])

    assert tables.repair(write_on)[1] == 0
    while late:
        tables.fold([late.pop()])
    assert tables.rows() == [fold(TALK, RULES)]


def test_a_repair_that_died_half_way_is_finished_by_the_next(tables: Tables) -> None:
    """Between the deletion and the insert there is no row at all."""
    tables.fold(TALK)

    async def delete(clickhouse: ClickHouse) -> None:
        await clickhouse.command("DELETE FROM conversations WHERE true")

    tables.use(delete)
    assert tables.rows() == []
    assert tables.repair()[1] == 0
    assert tables.rows() == [fold(TALK, RULES)]


def test_an_emptied_table_is_filled_again(tables: Tables) -> None:
    """More conversations than one look or one insert takes."""
    talks = [turn(session_id=f"s{n}", request_id=f"r{n}", timestamp=START + n * 60_000) for n in range(2_500)]
    tables.put(events=talks)
    differences, left = tables.repair()
    assert (len(differences), left) == (len(talks), 0)
    assert tables.rows() == folded(talks)
