"""The restart policy holds for every sequence of deaths."""

from hypothesis import given
from hypothesis import strategies as st

from agents.supervision.restarts import (
    EARLY_SECONDS,
    FIRST_PAUSE,
    MAX_DEATHS,
    MAX_EARLY_EXITS,
    MAX_PAUSE,
    MAX_UNREADY_DEATHS,
    STABLE_SECONDS,
    WITHIN_SECONDS,
    RestartPolicy,
)


def test_pauses_grow_from_death_to_death_and_end_where_it_is_never_ready() -> None:
    policy = RestartPolicy()
    pauses = [policy.died(float(at)) for at in range(MAX_UNREADY_DEATHS)]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, None]


def test_a_steady_process_that_dies_is_started_again_at_once_however_often() -> None:
    policy, now = RestartPolicy(), 0.0
    for _ in range(10 * MAX_DEATHS):
        policy.ready(now)
        now += WITHIN_SECONDS / MAX_DEATHS + 1
        assert policy.died(now) == FIRST_PAUSE


def test_one_that_is_killed_as_soon_as_it_is_ready_comes_back_twenty_times() -> None:
    policy, now = RestartPolicy(), 0.0
    for _ in range(20):
        policy.ready(now)
        pause = policy.died(now)
        assert pause is not None
        now += pause


def test_one_that_never_stays_is_given_up_although_it_becomes_ready() -> None:
    policy, now, deaths = RestartPolicy(), 0.0, 0
    while (pause := _ready_and_dead(policy, now)) is not None:
        now, deaths = now + pause, deaths + 1
    assert deaths == MAX_DEATHS - 1


def test_one_that_ends_by_itself_soon_after_each_start_has_its_reason() -> None:
    policy, now = RestartPolicy(), 0.0
    for number in range(MAX_EARLY_EXITS):
        policy.ready(now)
        now += EARLY_SECONDS
        assert (policy.died(now, by_itself=True) is None) == (number == MAX_EARLY_EXITS - 1)


def test_one_that_ends_by_itself_now_and_then_comes_back() -> None:
    policy, now = RestartPolicy(), 0.0
    for _ in range(10 * MAX_EARLY_EXITS):
        policy.ready(now)
        now += EARLY_SECONDS + 1
        assert policy.died(now, by_itself=True) == FIRST_PAUSE


def _ready_and_dead(policy: RestartPolicy, now: float) -> float | None:
    policy.ready(now)
    return policy.died(now)


@given(st.lists(st.tuples(st.floats(0, 100), st.none() | st.floats(0, 100), st.booleans()), max_size=60))
def test_every_pause_is_bounded_and_giving_up_needs_many_deaths(lives: list[tuple[float, float | None, bool]]) -> None:
    policy, now = RestartPolicy(), 0.0
    for number, (starting, living, by_itself) in enumerate(lives, start=1):
        now += starting
        if living is not None:
            policy.ready(now)
            now += living
        steady = living is not None and living >= STABLE_SECONDS
        pause = policy.died(now, by_itself=by_itself)
        if pause is None:
            assert number >= (MAX_EARLY_EXITS if by_itself else MAX_UNREADY_DEATHS)
            return
        assert FIRST_PAUSE <= pause <= MAX_PAUSE
        assert pause == FIRST_PAUSE or not steady
        now += pause
