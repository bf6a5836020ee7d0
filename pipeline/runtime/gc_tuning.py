"""Tune the garbage collector for a process with many objects and few reference cycles."""

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 100
"""Objects, and collections of the generation before, until one is collected. Python's own are 700, 10 and 10, with
which a fifth of a worker's time went into looking through conversations that all stay."""


def tune_gc() -> None:
    """Let the collector come less often; what there is by now is never looked at again."""
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
