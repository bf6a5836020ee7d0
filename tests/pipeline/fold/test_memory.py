"""The memory is bounded, forgets the least recent first, and all of it when partitions are assigned anew."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.fold.history import History
from pipeline.fold.memory import Memory
from tests.events import turn


def history(events: int) -> History:
    return History(turn(request_id=str(n)) for n in range(events))


def key(number: int) -> tuple[str, str, str]:
    return ("bot", "session", str(number))


@given(st.integers(0, 20), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 8)), max_size=40))
def test_it_never_holds_more_events_than_it_may(limit: int, puts: list[tuple[int, int]]) -> None:
    memory = Memory(limit)
    for number, events in puts:
        memory.put(key(number), history(events))
        held = [found for one in range(10) if (found := memory.take(key(one)))]
        assert sum(len(one.events) for one in held) <= limit
        for one, found in enumerate(held):
            memory.put(key(one), found)


def test_the_least_recent_makes_room() -> None:
    memory = Memory(4)
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
    memory = Memory(10)
    memory.enter(1)
    memory.put(key(1), history(2))
    memory.enter(1)
    assert len(memory) == 1
    memory.enter(2)
    assert memory.take(key(1)) is None
