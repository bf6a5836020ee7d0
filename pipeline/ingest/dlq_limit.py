"""Stop a worker whose input is mostly dead letters, instead of draining the topic into them."""

from collections import OrderedDict
from collections.abc import Iterable

from schemas.dead_letter import DeadLetter


class PoisonError(Exception):
    """So much of the input is broken that its sender must be: going on would drain the topic into dead letters."""


class DlqLimit:
    """Counts the dead among the last `window` inputs of one worker; a `share` of the window may be.

    An input is a record, whatever it holds: one message is no flood. One that is read again, after a rebalance or
    because ClickHouse was away, is still one. A topic that holds few inputs may hold broken ones only: before
    `share * window` of them nothing happens. A worker that starts again counts from nothing, meets the same inputs,
    and stops again.
    """

    def __init__(self, share: float, window: int) -> None:
        """`share` is between 0, where one dead input is too many, and 1, where none are."""
        self._window = window
        self._allowed = int(share * window)
        self._seen = 0
        self._dead: OrderedDict[tuple[str, int, int], int] = OrderedDict()
        """Where each dead input lies in Kafka, and its number; the lowest number comes first."""
        self._tripped: PoisonError | None = None

    def check(self, letters: Iterable[tuple[int, DeadLetter]], inputs: int) -> None:
        """Take the next `inputs` inputs; each of `letters` has its place among them, from 0 and ascending.

        Raises:
            PoisonError: at one of them, too many of the last `window` inputs were dead, or it was so before.
        """
        if self._tripped is not None:
            raise self._tripped
        for place, letter in letters:
            number = self._seen + place
            where = (letter.topic, letter.partition, letter.offset)
            self._dead[where] = number
            self._dead.move_to_end(where)
            self._forget(number - self._window)
            if len(self._dead) > self._allowed:
                self._tripped = PoisonError(self._sentence(letter, number + 1))
                raise self._tripped
        self._seen += inputs

    def _forget(self, number: int) -> None:
        """Count no longer what was read up to this number."""
        while self._dead and self._dead[oldest := next(iter(self._dead))] <= number:
            del self._dead[oldest]

    def _sentence(self, letter: DeadLetter, seen: int) -> str:
        return (
            f"{len(self._dead):,} of the last {min(seen, self._window):,} inputs are no log entries, lastly topic "
            f"{letter.topic} partition {letter.partition} offset {letter.offset} ({letter.reason}: {letter.detail}). "
            "Their sender seems broken, so this worker stops: nothing of the batch in hand was committed. "
            "To keep all of them as dead letters instead, which `turnfold dead-letters retry` can send "
            "again, start it with TURNFOLD_DEAD_LETTER_SHARE=1"
        )
