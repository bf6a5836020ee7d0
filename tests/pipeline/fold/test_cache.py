"""The cache is bounded, evicts the least recent entry first, and is cleared when partitions are reassigned."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.fold.cache import ConversationCache, History
from pipeline.fold.event_set import EventSet
from schemas.turn import Turn
from tests.events import START, turn, turns


def history(events: int) -> History:
    return History(turn(request_id=str(n)) for n in range(events))


def key(number: int) -> tuple[str, str, str]:
    return ("bot", "session", str(number))


@given(st.integers(0, 20), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 8)), max_size=40))
def test_it_never_holds_more_events_than_it_may(limit: int, puts: list[tuple[int, int]]) -> None:
    memory = ConversationCache(limit)
    for number, events in puts:
        memory.put(key(number), history(events))
        held = [found for one in range(10) if (found := memory.take(key(one)))]
        assert sum(len(one.events) for one in held) <= limit
        for one, found in enumerate(held):
            memory.put(key(one), found)


def test_the_least_recent_entry_is_evicted() -> None:
    memory = ConversationCache(4)
    memory.put(key(1), history(2))
    memory.put(key(2), history(2))
    first = memory.take(key(1))
    assert first is not None
    memory.put(key(1), first)
    memory.put(key(3), history(2))
    assert memory.take(key(2)) is None
    assert memory.take(key(1)) is first


def test_another_assignment_clears_the_cache() -> None:
    """Another worker may have folded these conversations further in the meantime."""
    memory = ConversationCache(10)
    memory.enter(1)
    memory.put(key(1), history(2))
    memory.enter(1)
    assert len(memory) == 1
    memory.enter(2)
    assert memory.take(key(1)) is None


@given(st.lists(turns(), min_size=1), st.sets(st.integers(0, 6)))
def test_a_history_without_erased_events_knows_the_one_row_that_the_erasure_wrote(
    log: list[Turn], gone: set[int]
) -> None:
    log = [one for one in log if one.key == log[0].key]
    past = History()
    for one in log:
        past.add(one)
    past.pop_superseded_starts(min(past.events)[0])
    past.discard(lambda one: one.request_id in {f"request-{number}" for number in gone})
    kept = [one for one in log if one.request_id not in {f"request-{number}" for number in gone}]
    assert past.events == EventSet(kept).events
    assert past.version == len({*kept})
    assert past.starts == ({min(one.timestamp for one in kept)} if kept else set())


def test_a_row_of_more_events_is_deleted_again_until_the_version_is_as_great() -> None:
    """A worker that died had read further."""
    past = History([turn(timestamp=START)], {START + 5: 3, START + 7: 1})
    assert past.pop_superseded_starts(START) == [START + 5, START + 7]
    past.add(turn(timestamp=START + 5, request_id="2"))
    assert past.pop_superseded_starts(START) == [START + 5]
    past.add(turn(timestamp=START + 7, request_id="3"))
    assert past.pop_superseded_starts(START) == [START + 5]
    past.add(turn(timestamp=START + 9, request_id="4"))
    assert past.pop_superseded_starts(START) == []
