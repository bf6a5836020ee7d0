"""Checked fetches can be decoded by any client, whatever a broker has sent."""

import pytest

from pipeline.kafka.batches.fetch_check import HELD_BYTES, FetchCheck
from pipeline.kafka.batches.gaps import JUMP_S, Gaps
from pipeline.kafka.batches.record_batch import next_offset, split_batches
from pipeline.runtime.errors import Reason
from tests.pipeline.kafka.batches.checked_fetches import GOOD, WHERE, check, decoded, records
from tests.pipeline.kafka.record_batches import DAMAGED, at, batch_of


def test_what_needs_nothing_is_left_as_it_is() -> None:
    raw = batch_of(GOOD) + at(3, batch_of(GOOD))
    assert FetchCheck(decoded)(WHERE, 0, raw) is raw
    assert check(b"") == b""


@pytest.mark.parametrize("kind", DAMAGED)
@pytest.mark.parametrize("requested", [3, 4])
def test_a_damaged_batch_is_one_record_that_says_so_and_its_neighbours_are_read(kind: str, requested: int) -> None:
    raw = check(batch_of(GOOD), at(3, DAMAGED[kind]), at(6, batch_of(GOOD)), requested=requested)
    found = [one for one in records(raw) if one[0] >= requested]
    assert [offset for offset, _, _ in found] == [requested, 6, 7, 8]
    _, value, damage = found[0]
    assert damage
    assert (damage.reason, damage.offset, damage.last_offset) == (Reason.CORRUPT_BATCH, requested, 5)
    assert value == at(3, DAMAGED[kind])
    assert all(one[2] is None for one in found[1:])


def test_a_batch_without_a_plausible_header_is_skipped() -> None:
    assert [next_offset(one) for one in split_batches(check(endless_batch(3), requested=3))] == [4]
    assert [next_offset(one) for one in split_batches(check(at(3, b"?" * 80)[:80], requested=3))] == [4]


def endless_batch(offset: int) -> bytes:
    """Build a batch of three records at `offset` whose header does not say how many it has."""
    batch = at(offset, batch_of(GOOD))
    return batch[:23] + (2_000_000_000).to_bytes(4) + batch[27:]


def test_a_batch_with_an_unknown_end_is_one_dead_letter_however_often_it_comes() -> None:
    checks = FetchCheck(decoded)
    found = [checks(WHERE, requested, endless_batch(3)) for requested in (3, 4, 5)]
    assert [next_offset(raw) for raw in found] == [4, 5, 6]
    assert [len(records(raw)) for raw in found] == [1, 0, 0]
    assert [one[0] for one in records(checks(WHERE, 3, endless_batch(3)))] == [3]  # whoever begins anew is told anew
    assert [one[0] for one in records(checks(WHERE, 6, at(6, batch_of(GOOD))))] == [6, 7, 8]


def test_a_batch_that_is_repeated_for_each_offset_is_reported_once() -> None:
    checks = FetchCheck(decoded)
    sent = endless_batch(3) * 4 + endless_batch(3)[:30]
    assert [len(records(checks(WHERE, requested, sent))) for requested in (3, 4, 5)] == [1, 0, 0]


def test_a_batch_without_an_end_comes_first_in_the_next_fetch_with_what_follows_it() -> None:
    checks = FetchCheck(decoded)
    raw = checks(WHERE, 0, batch_of(GOOD) + endless_batch(3))
    assert [one[0] for one in records(raw)] == [0, 1, 2]
    cut = at(6, batch_of(GOOD))[:20]
    ((offset, _, damage),) = records(checks(WHERE, 3, endless_batch(3) + cut))
    assert damage
    assert (offset, damage.last_offset) == (3, 5)


def test_what_may_come_yet_behind_a_batch_without_an_end_is_waited_for() -> None:
    now = 0.0
    checks = FetchCheck(decoded, Gaps(lambda: now))
    raw = endless_batch(3) + at(9, batch_of(GOOD))  # it has six offsets, or three that another batch follows
    assert checks(WHERE, 3, raw) == b""
    now = JUMP_S
    (_, _, damage), *others = records(checks(WHERE, 3, raw))
    assert damage
    assert (damage.offset, damage.last_offset) == (3, 8)
    assert [one[0] for one in others] == [9, 10, 11]


def test_no_more_is_held_than_may_be_and_the_rest_is_fetched_again() -> None:
    large = batch_of([bytes(1_000_000)] * 20, "gzip")
    raw = check(*(at(20 * number, large) for number in range(5)))
    assert len(raw) <= max(HELD_BYTES, 21_000_000)
    assert [offset for offset, _, _ in records(raw)] == list(range(20))
