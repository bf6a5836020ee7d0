"""End a loop on Ctrl-C or SIGTERM where it is safe: immediately while it waits, else after the current item."""

import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Self, TypeVar

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

Item = TypeVar("Item")
RaiseAgain = Callable[[int, FrameType | None], object]

AGAIN_SECONDS = 0.001
"""Seconds after which what was ignored is raised again: the callback that ignored it has ended by then."""


class InterruptedWaitError(BaseException):
    """Raised by the signal handler during a wait; like KeyboardInterrupt, it must not be caught as an error."""

    def __init__(self, raise_again: RaiseAgain) -> None:
        self.raise_again = raise_again


def raise_ignored_interrupts() -> None:
    """Raise an interrupt again when Python has ignored it.

    A signal handler runs between any two steps of a program, also in a callback whose exceptions Python only reports:
    a finalizer, or a callback of a weak reference, of which every import has one. So an interrupt had no effect, about
    once in a hundred times while a command was imported.
    """
    report = sys.unraisablehook

    def hook(ignored: "UnraisableHookArgs", /) -> None:
        match ignored.exc_value:
            case KeyboardInterrupt():
                _call_soon(_interrupt)
            case InterruptedWaitError() as error:
                _call_soon(error.raise_again)
            case _:
                report(ignored)

    sys.unraisablehook = hook


def _interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)  # whose handler may be another one by now, such as that of a StopSignal


def _call_soon(raise_again: RaiseAgain) -> None:
    """Call this where the program is then. A call at once would be from the callback that ignores exceptions."""
    signal.signal(signal.SIGALRM, raise_again)
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)


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
        self._end_wait()

    def _end_wait(self, *_: object) -> None:
        if self._waiting:
            raise InterruptedWaitError(self._end_wait)

    def _restore(self) -> None:
        while self._handlers:
            number, handler = self._handlers.popitem()
            signal.signal(number, handler)  # type: ignore[arg-type] # signal() itself returned it
