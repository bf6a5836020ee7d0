"""End a loop on Ctrl-C or SIGTERM where it is safe: immediately while it waits, else after the current item."""

import signal
from collections.abc import Iterator
from types import FrameType
from typing import Self, TypeVar

Item = TypeVar("Item")


class InterruptedWaitError(BaseException):
    """Raised by the signal handler during a wait; like KeyboardInterrupt, it must not be caught as an error."""


class StopSignal:
    """Handles the signals during a `with` block; a second signal ends the process as it would without the block."""

    def __init__(self) -> None:
        self.number = 0
        self._waiting = False
        self._handlers: dict[signal.Signals, signal.Handlers | object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    @property
    def exit_status(self) -> int:
        """Return the exit status that shells expect after a signal; 0 if there was none."""
        return 128 + self.number if self.number else 0

    def until_signal(self, items: Iterator[Item]) -> Iterator[Item]:
        """Yield the items until the signal, which interrupts the wait for the next one."""
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
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, handler)  # type: ignore[arg-type] # signal() itself returned it
