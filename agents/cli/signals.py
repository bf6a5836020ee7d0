"""Ctrl-C and SIGTERM in; a loop that ends where it is safe: at once while it waits, else after its turn."""

import signal
from collections.abc import Iterator
from types import FrameType
from typing import Self, TypeVar

Item = TypeVar("Item")


class InterruptedWaitError(BaseException):
    """Raised by the signal inside a wait; like KeyboardInterrupt, no error to be caught on the way."""


class StopSignal:
    """Takes the signals for the length of a `with` block; a second one ends the process as it ever would."""

    def __init__(self) -> None:
        self.number = 0
        self._waiting = False
        self._before: dict[signal.Signals, signal.Handlers | object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    @property
    def exit_status(self) -> int:
        """What a shell expects of a process that a signal has ended; 0 where none came."""
        return 128 + self.number if self.number else 0

    def until_then(self, items: Iterator[Item]) -> Iterator[Item]:
        """The items, up to the signal. Waiting for the next one is given up at once."""
        while not self.number:
            try:
                self._waiting = True
                item = next(items)
            except (StopIteration, InterruptedWaitError):
                return
            finally:
                self._waiting = False
            yield item

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        self.number = number
        self._restore()
        if self._waiting:
            raise InterruptedWaitError

    def _restore(self) -> None:
        while self._before:
            number, handler = self._before.popitem()
            signal.signal(number, handler)  # type: ignore[arg-type] # it is what signal() itself has given
