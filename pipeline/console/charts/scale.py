"""Choose the top of an axis."""

STEPS = (1, 2, 2.5, 5, 10)


def nice_top(greatest: float) -> float:
    """Return the least number of 1, 2, 2.5 or 5 times a power of ten that is not below `greatest`, at least 1."""
    power = 1.0
    while power * 10 < greatest:
        power *= 10
    return max(1.0, next(step * power for step in STEPS if step * power >= greatest))
