"""The memory is bounded, forgets the least recent first, and all of it when partitions are assigned anew."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.fold.cache import ConversationCache, History
from schemas.erasure import Erasure, ErasureList, digest
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


def test_the_least_recent_makes_room() -> None:
    memory = ConversationCache(4)
    memory.put(key(1), history(2))
    memory.put(key(2), history(2))
    first = memory.take(key(1))
    assert first is not None
    memory.put(key(1), first)
    memory.put(key(3), history(2))
    assert memory.take(key(2)) is None
    assert memory.take(key(1)) is first


def test_another_assignment_forgets_everything() -> None:
    """Another worker may have folded these conversations further in the meantime."""
    memory = ConversationCache(10)
    memory.enter(1)
    memory.put(key(1), history(2))
    memory.enter(1)
    assert len(memory) == 1
    memory.enter(2)
    assert memory.take(key(1)) is None


def test_what_is_forgotten_is_remembered_no_more_and_makes_room() -> None:
    def of(session: str, count: int) -> History:
        return History(turn(session_id=session, request_id=str(n), timestamp=START + n) for n in range(count))

    memory = ConversationCache(10)
    gone, half, other = (("BOTAAAAAA1", session, "request-1") for session in ("gone", "half", "other"))
    for key_of, count in ((gone, 2), (half, 5), (other, 3)):
        memory.put(key_of, of(key_of[1], count))
    words = [Erasure("", digest("gone"), START + 9), Erasure("", digest("half"), START + 2)]
    memory.forget(ErasureList(words))
    assert (gone in memory, half in memory, other in memory) == (False, True, True)
    memory.put(("bot", "session", "new"), history(5))
    assert len(memory) == 3, "2 + 3 + 5 events are not more than 10"
    kept, untouched = memory.take(half), memory.take(other)
    assert kept is not None
    assert untouched is not None
    assert ([*kept.events], kept.starts) == ([(START + 3, "3", ""), (START + 4, "4", "")], {START + 3})
    assert len(untouched.events) == 3


@given(st.lists(turns(), min_size=1), st.integers(START - 1, START + 4000), st.lists(turns()))
def test_a_history_without_its_first_events_takes_back_the_rows_that_the_later_ones_had(
    log: list[Turn], until: int, later: list[Turn]
) -> None:
    """Its next row takes the place of that which whoever deleted the first ones has written, and of none of theirs."""
    past = History()
    for one in log:
        past.add(one)
    past.discard(lambda one: one.timestamp <= until)
    left = {one.order for one in log if one.timestamp > until}
    assert past.events.keys() == left
    for one in later:
        if one.timestamp > until:
            past.add(one)
    if past.events:
        outdated = past.outdated_starts(min(past.events)[0])
        assert all(start > until for start in outdated)
        assert not left or min(left)[0] in {*outdated, min(past.events)[0]}
