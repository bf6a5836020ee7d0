"""What a swap would change is counted exactly: by conversation, by column, and by event, in one part or in many."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.store.archive import write
from pipeline.store.compare import COMPARED, EXAMPLES, Comparison, Example, compare
from pipeline.store.connection.client import connection
from pipeline.store.schema.shadow_tables import create_shadow_tables, drop_database, shadow_database
from schemas.conversation import Conversation
from schemas.turn import Turn
from tests.effort import OF_ENGINE, drawn, examples
from tests.events import START, turn
from tests.pipeline.audit.tables import Tables, archived, folded

Side = tuple[list[Conversation], list[Turn]]
TALK = [turn(session_id=f"s{n}", request_id=f"r{n}") for n in range(10)]
ROWS = folded(TALK)


class Both:
    """Live and new tables, and what is told of their difference."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def compared(self, live: Side, new: Side, rows_per_part: int = 1_000_000) -> Comparison:
        """With nothing else in the tables."""

        async def go() -> Comparison:
            name = shadow_database(self._settings)
            async with connection(self._settings) as one, connection(self._settings, database=name) as other:
                for where, (rows, events) in ((one, live), (other, new)):
                    for table in ("turns", "conversations"):
                        await where.command(f"TRUNCATE TABLE {table}")
                    half = len(events) // 2  # an event that comes twice in one insert is one from the beginning
                    await write(where, rows, archived(events[:half]))
                    await write(where, [], archived(events[half:]))
                return await compare(one, self._settings.clickhouse_database, name, rows_per_part)

        return asyncio.run(go())


@pytest.fixture
def both(tables: Tables, with_tables: Settings) -> Iterator[Both]:
    """Empty ones."""
    asyncio.run(create_shadow_tables(with_tables))
    yield Both(with_tables)
    tables.use(lambda _: drop_database(with_tables, shadow_database(with_tables)))


def changed(row: Conversation, **changes: object) -> Conversation:
    return msgspec.structs.replace(row, **changes)


def key(row: Conversation) -> tuple[str, str, str]:
    return (row.bot_id, row.session_id, row.originating_request_id)


def test_equal_tables_do_not_differ(both: Both) -> None:
    nothing = Comparison(conversations=10)
    assert both.compared((ROWS, TALK), (ROWS[::-1], TALK[::-1])) == nothing
    assert both.compared(([], []), ([], [])) == Comparison()


@pytest.mark.search
def test_each_column_that_differs_is_told_with_what_both_have(both: Both) -> None:
    for name in drawn(COMPARED, share=6):
        old = getattr(ROWS[0], name)
        new = (*old, *(old[-1:] or (0,))) if isinstance(old, tuple) else "Other" if isinstance(old, str) else old + 1
        found = both.compared((ROWS, TALK), ([changed(ROWS[0], **{name: new}), *ROWS[1:]], TALK))
        assert (found.different, found.columns, [*found.examples]) == (1, {name: 1}, [name])
        (example,) = found.examples[name]
        assert example.key == key(ROWS[0])
        assert example.live != example.new


def test_an_example_shows_no_transcripts(both: Both) -> None:
    wrong = changed(ROWS[0], utterance_texts=("my secret",))
    found = both.compared((ROWS, TALK), ([wrong, *ROWS[1:]], TALK))
    (example,) = found.examples["utterance_texts"]
    assert example.new.startswith("1 texts, ")
    assert "secret" not in repr(found)


def test_a_conversation_on_one_side_is_missing_or_extra_and_does_not_differ(both: Both) -> None:
    found = both.compared((ROWS[:7], TALK), (ROWS[3:], TALK))
    assert (found.conversations, found.different, found.missing, found.extra) == (10, 0, 3, 3)
    assert {*found.missing_examples} == {key(row) for row in ROWS[:3]}
    assert {*found.extra_examples} == {key(row) for row in ROWS[7:]}
    assert not found.columns
    assert not found.examples


def test_rows_that_are_replaced_or_taken_back_are_not_compared(both: Both) -> None:
    before = [changed(row, start=START - 1, version=1) for row in ROWS]
    gone = [changed(row, version=2, is_deleted=1) for row in before]
    older = [changed(row, turns=99, version=0) for row in ROWS]
    assert both.compared((ROWS, TALK), ([*older, *before, *gone, *ROWS], TALK)) == Comparison(conversations=10)


def test_a_conversation_that_is_listed_twice_on_one_side_differs_by_its_start(both: Both) -> None:
    twice = changed(ROWS[0], start=START - 5)
    for live, new in (([*ROWS, twice], ROWS), (ROWS, [*ROWS, twice])):
        found = both.compared((live, TALK), (new, TALK))
        assert (found.different, found.missing, found.extra, found.columns) == (1, 0, 0, {"start": 1})


def test_only_events_that_the_new_archive_lacks_count_and_each_once(both: Both) -> None:
    doubled = [*TALK, *TALK[:5]]
    reason = [turn(session_id="s0", request_id="r0", response_reason="FulfillmentUpdateResponse")]
    later = [turn(session_id="s1", request_id="r1", timestamp=START + 1)]
    found = both.compared((ROWS, [*doubled, *reason, *later]), (ROWS, TALK[2:]))
    assert found.lacking == 4
    assert {*found.lacking_examples} == {TALK[0].key, TALK[1].key}
    assert both.compared((ROWS, TALK[2:]), (ROWS, [*doubled, *reason, *later])).lacking == 0


def test_no_more_examples_are_kept_than_are_promised_however_many_parts_there_are(both: Both) -> None:
    live = [changed(row, turns=5) for row in ROWS[:6]] + ROWS[6:8]
    found = both.compared((live, TALK), (ROWS[:6] + ROWS[8:], []), rows_per_part=2)
    assert (found.different, found.missing, found.extra, found.lacking) == (6, 2, 2, 10)
    assert found.columns == {"turns": 6}
    assert len(found.examples["turns"]) == len(found.lacking_examples) == EXAMPLES
    assert {(one.live, one.new) for one in found.examples["turns"]} == {("5", "1")}
    assert all(isinstance(one, Example) for one in found.examples["turns"])


PRESENCE = st.dictionaries(st.integers(0, 9), st.integers(0, 3), max_size=10)


@settings(
    max_examples=examples(12, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(PRESENCE, PRESENCE, st.integers(1, 12))
def test_any_number_of_parts_tells_the_same(
    both: Both, live: dict[int, int], new: dict[int, int], rows_per_part: int
) -> None:
    sides: list[Side] = [
        ([changed(ROWS[n], turns=turns) for n, turns in side.items()], [TALK[n] for n in side]) for side in (live, new)
    ]
    found = both.compared(sides[0], sides[1], rows_per_part)
    different = sum(live[n] != new[n] for n in live.keys() & new.keys())
    assert (found.conversations, found.different) == (len(live.keys() | new.keys()), different)
    assert (found.missing, found.extra) == (len(live.keys() - new.keys()), len(new.keys() - live.keys()))
    assert found.lacking == found.missing
    assert found.columns == ({"turns": different} if different else {})
