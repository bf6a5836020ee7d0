"""Workers write while shadow tables are filled and swapped in: nothing is lost, and no row is ever missing."""

import random
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.effort import drawn, sweep
from tests.events import turn
from tests.pipeline.materialise.actors import NAMES, ORDERS, PAUSES, some_turns
from tests.pipeline.materialise.stage import Stage

SEEDS = st.integers(0, 2**40)


def played(seed: int, *, patient: bool) -> Stage:
    """Some steps of each, in any order; deaths and naps between them; and then all to their ends.

    The order is drawn at random: grown from small ones, as Hypothesis would, too few have all that it takes.
    """
    log = some_turns(random.Random(seed), len(NAMES))  # noqa: S311 - no secret is made of it
    stage = Stage(log, seed, patient=patient)
    chance = stage.chance
    for _ in range(chance.randrange(30)):
        if chance.random() < 0.5:
            stage.advance(stage.worker, chance.choice([1, 2, 4, 8, 16]))
            if chance.random() < 0.25:
                stage.lose_worker(asleep=chance.random() < 0.5)
        else:
            if chance.random() < 0.3:
                stage.until_idle()
            if chance.random() < 0.5:
                stage.up_to_the_swap()
            else:
                stage.advance(stage.rebuild, chance.choice([1, 2, 4, 8, 16]))
            if chance.random() < 0.3:
                stage.next_run()
        stage.server.clock += chance.choice(PAUSES)
        if stage.asleep and chance.random() < 0.3:
            stage.end(stage.asleep.pop(0))
    last = [*stage.asleep, stage.worker, stage.rebuild]
    chance.shuffle(last)
    for one in last:
        stage.end(one)
        stage.server.clock += chance.choice(PAUSES)
    return stage


@settings(max_examples=ORDERS, deadline=None)
@given(SEEDS)
@example(43)  # tables are swapped between the two queries of a poll that finds them for the first time
@example(6785)  # a worker that is behind writes into shadow tables after their audit
def test_any_order_of_steps_deaths_naps_and_swaps_ends_as_the_fold(seed: int) -> None:
    played(seed, patient=False).assert_right()


@settings(max_examples=ORDERS, deadline=None)
@given(SEEDS)
def test_no_conversation_is_missing_at_any_step_of_a_swap_that_has_waited(seed: int) -> None:
    """A swap waits for the batches that were begun before the new tables, and for rows that only these lack."""
    stage = played(seed, patient=True)
    stage.assert_right()
    assert not stage.vanished


@pytest.mark.search
@pytest.mark.parametrize("early", sweep(range(10)))
def test_a_death_at_any_step_and_a_swap_at_any_step_lose_nothing(early: int) -> None:
    """Who died may have written where nobody looks any more, what the next one then takes for written."""
    for middle, late in product(range(12), drawn(range(14), share=2)):
        stage = Stage([turn()])
        stage.advance(stage.worker, early)
        stage.up_to_the_swap()
        stage.advance(stage.worker, middle)
        stage.lose_worker(asleep=False)
        stage.advance(stage.worker, late)
        stage.end(stage.rebuild, stage.worker)
        stage.assert_right()


@pytest.mark.search
@pytest.mark.parametrize("middle", sweep(range(12)))
def test_a_worker_that_was_idle_while_new_tables_were_filled_hides_nothing(middle: int) -> None:
    """It has not seen the new tables when its next batch comes, and a query sees what it writes at once."""
    for seed, early in product(range(2), range(60)):
        stage = Stage([turn(originating_request_id=name) for name in NAMES], seed, patient=True)
        stage.until_idle()
        stage.advance(stage.rebuild, early)
        stage.advance(stage.worker, middle)
        stage.end(stage.rebuild, stage.worker)
        stage.assert_right()
        assert not stage.vanished
