"""A worker stops in a flood of broken inputs, and only there."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.dlq_limit import DlqLimit, PoisonError
from schemas.dead_letter import DeadLetter


def letter(offset: int = 0) -> DeadLetter:
    return DeadLetter("not-json", "at byte 3", "intake", "turns.raw", 2, offset, b"{")


def stopped(limit: DlqLimit, batches: list[list[bool]]) -> bool:
    """Return whether `limit` stops a worker at these inputs, of which True ones are dead."""
    offset = 0
    try:
        for batch in batches:
            limit.check([(place, letter(offset + place)) for place, dead in enumerate(batch) if dead], len(batch))
            offset += len(batch)
    except PoisonError:
        return True
    return False


def flooded(inputs: list[bool], share: float, window: int) -> bool:
    """Compute the same slowly: any window with too many."""
    return any(sum(inputs[max(0, end - window) : end]) > int(share * window) for end in range(len(inputs) + 1))


BATCHES = st.lists(st.lists(st.booleans(), max_size=12), max_size=12)


@given(batches=BATCHES, share=st.floats(0, 1), window=st.integers(1, 20))
def test_it_stops_where_some_window_holds_too_many_however_it_is_cut(
    batches: list[list[bool]], share: float, window: int
) -> None:
    inputs = [dead for batch in batches for dead in batch]
    assert stopped(DlqLimit(share, window), batches) == flooded(inputs, share, window)
    assert stopped(DlqLimit(share, window), [inputs]) == flooded(inputs, share, window)


@given(BATCHES, st.integers(1, 20))
def test_a_share_of_1_never_stops_and_of_0_at_the_first(batches: list[list[bool]], window: int) -> None:
    assert not stopped(DlqLimit(1, window), batches)
    assert stopped(DlqLimit(0, window), batches) == any(map(any, batches))


def test_few_inputs_may_all_be_dead() -> None:
    assert not stopped(DlqLimit(0.5, 1_000), [[True] * 500])
    assert stopped(DlqLimit(0.5, 1_000), [[True] * 501])


@given(st.integers())
@settings(deadline=None)
def test_one_percent_of_faults_stops_nothing(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    assert not stopped(DlqLimit(0.5, 1_000), [[chance.random() < 0.01 for _ in range(5_000)]])


@given(batch=st.lists(st.booleans(), max_size=12), times=st.integers(2, 5), window=st.integers(1, 20))
def test_inputs_that_are_read_again_are_no_more_of_a_flood(batch: list[bool], times: int, window: int) -> None:
    """As after a rebalance, or where ClickHouse was away: the same letters come again."""
    letters = [(place, letter(place)) for place, dead in enumerate(batch) if dead]
    limit = DlqLimit(0.5, window)
    if sum(batch) > int(0.5 * window):
        return
    for _ in range(times):
        limit.check(letters, len(batch))


def test_many_dead_letters_of_one_record_count_once() -> None:
    DlqLimit(0.5, 4).check([(place, letter(7)) for place in range(100)], 100)


def test_once_stopped_it_lets_nothing_pass() -> None:
    """Faust may hand over another batch before the worker has ended."""
    limit = DlqLimit(0.5, 4)
    with pytest.raises(PoisonError) as first:
        limit.check([(place, letter(place)) for place in range(3)], 3)
    with pytest.raises(PoisonError) as second:
        limit.check([], 10)
    assert second.value is first.value


def test_the_message_says_how_many_where_why_and_what_lets_them_pass() -> None:
    limit = DlqLimit(0.5, 4)
    with pytest.raises(PoisonError) as caught:
        limit.check([(place, letter(place)) for place in range(3)], 3)
    said = str(caught.value)
    for words in ("3 of the last 3", "turns.raw", "partition 2 offset 2", "not-json: at byte 3", "SHARE=1"):
        assert words in said
