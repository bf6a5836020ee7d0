"""Events are forwarded from a partition in which another worker has folded them: the tables end as the fold."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.decode import decode_entry
from tests.events import START, slow_fold, turn
from tests.pipeline.materialise.actors import MAX_BYTES, ORDERS, PAUSES, actor, advance, as_entry, finish, some_turns
from tests.pipeline.materialise.model import Server
from tests.pipeline.materialise.topic import Group, Member, Topic


@settings(max_examples=ORDERS, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_any_order_of_steps_deaths_naps_and_placements_ends_as_the_fold(seed: int) -> None:
    """Producers agree on nothing. The order is drawn at random: grown from small ones, too few have all it takes."""
    chance = random.Random(seed)  # noqa: S311 - no secret is made of it
    topic = Topic(chance.choice([2, 2, 3]))
    group = Group(Server(), topic, chance)
    entries = [as_entry(one) for one in some_turns(chance, 1)]
    unsent = entries + chance.sample(entries, len(entries) // 4)
    while unsent:
        for _ in range(min(len(unsent), chance.randrange(4))):
            topic.logs[chance.choice([topic.home, chance.randrange(len(topic.logs))])].append(unsent.pop(0))
        group.advance(chance.randrange(1, 16))
        group.server.clock += chance.choice(PAUSES)
        if chance.random() < 0.3 and group.busy:
            group.rebalance(chance.randrange(len(topic.logs)))
        if group.asleep and chance.random() < 0.3:
            finish(group.asleep.pop(0))
    group.finish()
    log = [decode_entry(one, MAX_BYTES) for one in entries]
    assert group.server.live.conversations.answered() == slow_fold(log)
    assert group.server.live.turns.archived() == {*log}


@pytest.mark.parametrize("asleep", [False, True])
@pytest.mark.parametrize("steps", range(12))
def test_who_dies_or_sleeps_at_any_step_leaves_no_row_of_what_is_forwarded_behind_the_first_event(
    steps: int, *, asleep: bool
) -> None:
    server, topic = Server(), Topic(2)
    later, first = (as_entry(turn(timestamp=START + moment, request_id=f"r{moment}")) for moment in (5000, 0))
    topic.logs[0].append(later)
    before = Member(server, topic, 0, 1)
    at_work = actor(before.serve)
    for _ in range(steps):
        advance(at_work)
    before.freeze()
    topic.generation, topic.home = 1, 1
    topic.logs[1].append(first)
    forwarding, folding = (actor(Member(server, topic, partition, 1).serve) for partition in (0, 1))
    while not topic.logs[1].committed[0]:
        advance(folding)
    while topic.left:
        advance(forwarding)
        advance(folding)
    if asleep:
        finish(at_work)
    assert server.live.conversations.answered() == slow_fold([decode_entry(one, MAX_BYTES) for one in (later, first)])
