"""A set of events is the same whatever their order and repetition, and where contents differ, the content decides."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.fold.event_set import EventSet
from schemas.turn import Turn, content_digest
from tests.events import turn, turns

LEAST, MIDDLE, GREATEST = (turn(intent_name=f"Intent{n}", content=n) for n in (1, 2, 3))
UNKNOWN = turn(intent_name="Old", content=0)


@given(st.lists(turns(), max_size=12), st.randoms(use_true_random=False))
def test_order_and_repetition_change_nothing(log: list[Turn], chance: random.Random) -> None:
    log = [one for one in log if one.key == log[0].key]
    again = [*log, *log[: len(log) // 2]]
    chance.shuffle(again)
    one, other = EventSet(log), EventSet(again)
    assert (one.events, one.lesser, one.version) == (other.events, other.lesser, other.version)
    assert one.version == len({*log})


def test_of_one_identity_the_greatest_content_counts_and_all_are_known() -> None:
    events = EventSet([MIDDLE])
    assert [events.add(one) for one in (GREATEST, LEAST, MIDDLE, LEAST, GREATEST)] == [True, True, False, False, False]
    assert [*events.events.values()] == [GREATEST]
    assert events.version == 3, "whoever knows a content more writes a row that wins"


@pytest.mark.parametrize("log", [[UNKNOWN, LEAST], [LEAST, UNKNOWN], [UNKNOWN, LEAST, UNKNOWN]])
def test_an_event_from_before_there_were_digests_gives_way_and_does_not_count_twice(log: list[Turn]) -> None:
    events = EventSet(log)
    assert ([*events.events.values()], events.version) == ([LEAST], 1)


def test_what_is_discarded_goes_with_all_its_contents() -> None:
    events = EventSet([LEAST, GREATEST, turn(request_id="other")])
    assert events.discard(lambda one: one.identity == LEAST.identity)
    assert not events.discard(lambda one: one.identity == LEAST.identity)
    assert ([one.request_id for one in events.events.values()], events.version) == (["other"], 1)


def test_the_digest_is_the_same_in_every_process_and_never_that_of_no_digest() -> None:
    assert content_digest(b"") == 0x2D06800538D394C2
    assert content_digest(msgspec.json.encode("x")) != content_digest(b"x")
