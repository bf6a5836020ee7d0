"""A batch that a broker does not show yet is waited for; offsets that will never appear are skipped."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.kafka.batches.gaps import JUMP_S, Gaps
from pipeline.kafka.batches.record_batch import base_offset, next_offset
from tests.pipeline.kafka.record_batches import batch_of

WHERE = ("turns", 0)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def batches(*spans: tuple[int, int]) -> list[bytes]:
    return [batch_of([b"x"] * (end - begin), offset=begin) for begin, end in spans]


@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(("at once", "late", "never"))), max_size=8))
def test_whatever_is_shown_late_is_read_in_its_order(spans: list[tuple[int, str]]) -> None:
    clock, looks, at = Clock(), {"at once": list[tuple[int, int]](), "late": [], "never": []}, 0
    for size, when in spans:
        looks[when].append((at, at + size))
        at += size
    all_there = sorted(looks["at once"] + looks["late"])
    gaps, position, read = Gaps(clock), 0, list[tuple[int, int]]()
    for look in range(2 * len(spans) + 2):
        shown = [one for one in (all_there if look else looks["at once"]) if one[0] >= position]
        for batch in gaps.before_jump(WHERE, position, batches(*shown)):
            position = next_offset(batch)
            read.append((base_offset(batch), position))
        clock.now += JUMP_S
    assert read == all_there


def test_a_jump_is_real_only_after_a_while_and_then_all_of_an_answer_are() -> None:
    clock = Clock()
    gaps, found = Gaps(clock), batches((0, 2), (5, 6), (9, 10))
    assert list(gaps.before_jump(WHERE, 0, found)) == found[:1]
    clock.now = JUMP_S / 2
    assert list(gaps.before_jump(WHERE, 2, found[1:])) == []
    clock.now = JUMP_S
    assert list(gaps.before_jump(WHERE, 2, found[1:])) == found[1:]


def test_new_jumps_do_not_make_known_ones_wait() -> None:
    """Where much is written, each answer may end with a jump that was not in the one before."""
    clock = Clock()
    gaps = Gaps(clock)
    for number in range(10):
        clock.now = number * JUMP_S / 4
        found = batches((2, 3), *((10 * n, 10 * n + 1) for n in range(1, number + 2)))
        kept = gaps.before_jump(WHERE, 0, found)
    assert kept
