import pytest
from msgspec import UNSET

from pipeline.query.get_session.response_v2 import still_active
from schemas.lex.session_v2 import ActiveContext, TimeToLive


def left(life: TimeToLive, passed: int) -> list[TimeToLive]:
    return [context.time_to_live for context in still_active([ActiveContext("booking", life, {"a": "b"})], passed)]


@pytest.mark.parametrize(
    ("seconds", "passed", "there"),
    [(600, 0, 600), (600, 1, 600), (600, 999, 600), (600, 1000, 599), (600, 599_001, 1), (600, 599_999, 1),
     (600, 600_000, None), (600, 10**12, None), (600, -5000, 600), (0, 0, None), (-5, 0, None)],
)  # fmt: skip
def test_seconds_are_counted_from_the_event(seconds: int, passed: int, there: int | None) -> None:
    """A context that has less than a second left has one left, not none."""
    assert left(TimeToLive(seconds, 5), passed) == ([] if there is None else [TimeToLive(there, 5)])


@pytest.mark.parametrize(("turns", "there"), [(5, True), (1, True), (0, False), (-1, False)])
def test_turns_end_a_context_too(turns: int, there: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert left(TimeToLive(600, turns), 0) == ([TimeToLive(600, turns)] if there else [])


def test_a_life_without_a_number_goes_on() -> None:
    assert left(TimeToLive(), 10**9) == [TimeToLive()]
    assert left(TimeToLive(turns_to_live=3), 10**9) == [TimeToLive(UNSET, 3)]


def test_each_context_has_its_own_life() -> None:
    contexts = [ActiveContext(name, TimeToLive(seconds)) for name, seconds in (("a", 60), ("b", 10), ("c", 90))]
    assert [(each.name, each.time_to_live.time_to_live_in_seconds) for each in still_active(contexts, 30_000)] == [
        ("a", 30),
        ("c", 60),
    ]
