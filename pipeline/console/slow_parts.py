"""Remember which parts of pages were too slow lately, so that a page does not begin what it would give up."""

import time
from collections import OrderedDict
from collections.abc import Hashable

REMEMBERED_SECONDS = 60.0
"""Seconds after which a part is tried again."""
MAX_PARTS = 1000
"""Parts that are remembered."""


class SlowParts:
    """Parts that took longer than a page waits. Only a hint: such a part comes by itself."""

    def __init__(self, seconds: float = REMEMBERED_SECONDS, most: int = MAX_PARTS) -> None:
        self._seconds, self._most = seconds, most
        self._until: OrderedDict[Hashable, float] = OrderedDict()

    def __contains__(self, part: Hashable) -> bool:
        """Return whether the part was too slow when it was tried last, not long ago."""
        return self._until.get(part, 0.0) > time.monotonic()

    def note(self, part: Hashable, *, slow: bool) -> None:
        """Remember how a try went."""
        self._until.pop(part, None)
        if slow:
            self._until[part] = time.monotonic() + self._seconds
            if len(self._until) > self._most:
                self._until.popitem(last=False)
