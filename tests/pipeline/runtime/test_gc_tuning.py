"""The garbage collector runs less often, but still frees cycles."""

import gc
from collections.abc import Iterator

import pytest

from pipeline.runtime.gc_tuning import MIDDLE, OLD, YOUNG, tune_gc


@pytest.fixture(autouse=True)
def untuned() -> Iterator[None]:
    """Restores the collector of the test process."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_existing_objects_are_excluded_and_others_are_still_collected() -> None:
    frozen = gc.get_freeze_count()
    existing: list[list[object]] = [[] for _ in range(1_000)]
    tune_gc()
    assert gc.get_freeze_count() >= frozen + len(existing)
    assert gc.get_threshold()[:2] == (YOUNG, MIDDLE)
    assert gc.isenabled()
    cycle: list[object] = []
    cycle.append(cycle)
    del cycle
    assert gc.collect() >= 1


def test_the_thresholds_are_higher_than_those_of_python() -> None:
    assert all(ours >= theirs for ours, theirs in zip((YOUNG, MIDDLE, OLD), (700, 10, 10), strict=True))
