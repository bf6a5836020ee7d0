"""How many examples a property is tested with: a share in `make test`, all of them in `make search` and so in CI."""

import os

SEARCHING = bool(os.environ.get("SEARCH"))
"""True in `make search`."""

SHARE = 4
"""`make test` draws one example of so many."""

LEAST = 5
"""Examples that are drawn in any case."""


def examples(every: int) -> int:
    """Return how many of these examples to draw in this run."""
    return every if SEARCHING else min(every, max(every // SHARE, LEAST))
