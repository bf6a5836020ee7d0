"""Stop a worker whose input is mostly dead letters, instead of draining the topic into them."""

from collections import OrderedDict
from collections.abc import Iterable

from schemas.dead_letter import DeadLetter


class PoisonError(Exception):
    """So much of the input is broken that its sender must be; continuing would drain the topic into dead letters."""


class DlqLimit:
    """Limits the dead letters among the last `window` inputs of one worker to a `share` of the window.

    An input is a record, whatever it holds: one message is no flood. A record that is read again, after a rebalance or
    because ClickHouse was away, counts once. A topic that holds few inputs may hold broken ones only: nothing happens
    before `share * window` of them. A restarted worker counts from zero, meets the same inputs, and stops again.
    """

    def __init__(self, share: float, window: int) -> None:
        """`share` is between 0, which allows no dead letter, and 1, which allows any number."""
        self._window = window
        self._allowed = int(share * window)
        self._seen = 0
        self._dead: OrderedDict[tuple[str, int, int], int] = OrderedDict()
        """Topic, partition and offset of each dead input -> its number; the lowest number comes first."""
        self._error: PoisonError | None = None

    def check(self, letters: Iterable[tuple[int, DeadLetter]], inputs: int) -> None:
        """Count the next `inputs` inputs; each of `letters` comes with its index among them, ascending from 0.

        Raises:
            PoisonError: at one of them, too many of the last `window` inputs were dead, or an earlier check failed.
        """
        if self._error is not None:
            raise self._error
        for index, letter in letters:
            number = self._seen + index
            origin = (letter.topic, letter.partition, letter.offset)
            self._dead[origin] = number
            self._dead.move_to_end(origin)
            self._drop_until(number - self._window)
            if len(self._dead) > self._allowed:
                self._error = PoisonError(self._message(letter, number + 1))
                raise self._error
        self._seen += inputs

    def _drop_until(self, number: int) -> None:
        """Drop the dead inputs up to this number."""
        while self._dead and self._dead[oldest := next(iter(self._dead))] <= number:
            del self._dead[oldest]

    def _message(self, letter: DeadLetter, seen: int) -> str:
        return (
            f"{len(self._dead):,} of the last {min(seen, self._window):,} inputs are not log entries, the last "
            f"in topic {letter.topic} partition {letter.partition} offset {letter.offset} "
            f"({letter.reason}: {letter.detail}). "
            "Their sender seems to be broken, so this worker stops; nothing of the current batch was committed. "
            "To keep all of them as dead letters instead, which `turnfold dead-letters retry` can send "
            "again, start it with TURNFOLD_DEAD_LETTER_SHARE=1"
        )
