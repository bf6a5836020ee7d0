"""Choose the top of an axis."""

STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)


def nice_top(greatest: float) -> float:
    """Return the least round number that is not below `greatest`, at least 1: one of STEPS times a power of ten."""
    power = 1.0
    while power * 10 < greatest:
        power *= 10
    return max(1.0, next(step * power for step in STEPS if step * power >= greatest))
