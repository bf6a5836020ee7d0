"""A signal ends a loop at once while it waits, and otherwise after the current item."""

import signal
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from agents.cli.signals import StopSignal, raise_ignored_interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_an_items_turn_lets_it_end_and_then_stops(number: int) -> None:
    done = []
    with StopSignal() as interrupt:
        for item in interrupt.until_signal(count()):
            if item == 3:
                signal.raise_signal(number)
            done.append(item)
    assert done == [0, 1, 2, 3]
    assert interrupt.exit_status == 128 + number


def test_a_signal_ends_the_wait_for_the_next_item_at_once() -> None:
    closed = []

    def waiting() -> Iterator[int]:
        try:
            yield 1
            signal.raise_signal(signal.SIGTERM)
            signal.pause()  # for ever, if the signal did not end it
        finally:
            closed.append(True)

    with StopSignal() as interrupt:
        assert list(interrupt.until_signal(waiting())) == [1]
    assert closed == [True]
    assert interrupt.exit_status == 143


def test_without_a_signal_all_items_come_and_the_status_is_0() -> None:
    with StopSignal() as interrupt:
        assert list(interrupt.until_signal(iter(range(5)))) == [0, 1, 2, 3, 4]
    assert interrupt.exit_status == 0


@pytest.fixture
def in_the_foreground() -> Iterator[None]:
    """As a terminal starts a process; a shell's background jobs ignore Ctrl-C, and pytest may be one."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("in_the_foreground")
def test_the_second_signal_is_obeyed_as_ever() -> None:
    with StopSignal() as interrupt:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert interrupt.exit_status == 130


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopSignal():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_errors_of_the_items_pass_through() -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with StopSignal() as interrupt, pytest.raises(ValueError, match="broken"):
        list(interrupt.until_signal(failing()))


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Interrupts that Python ignores come again."""
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    before = signal.getsignal(signal.SIGALRM)
    raise_ignored_interrupts()
    yield
    signal.signal(signal.SIGALRM, before)


def in_callback(interrupt: Callable[[], object]) -> None:
    """Call this where Python ignores what it raises."""

    class Referenced:
        pass

    referenced = Referenced()
    reference = weakref.ref(referenced, lambda _: interrupt())
    del referenced
    assert reference() is None


@pytest.mark.usefixtures("in_the_foreground", "again")
def test_an_interrupt_that_python_ignores_comes_again() -> None:
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it comes some time later
        in_callback(lambda: signal.raise_signal(signal.SIGINT))
        time.sleep(60)


@pytest.mark.usefixtures("in_the_foreground", "again")
def test_it_comes_again_as_the_signal_so_that_a_loop_begun_since_ends_where_it_is_safe() -> None:
    done = []
    in_callback(lambda: signal.raise_signal(signal.SIGINT))
    with StopSignal() as interrupt:
        for item in interrupt.until_signal(iter(range(3))):
            time.sleep(0.05)
            done.append(item)
    assert done == [0]
    assert interrupt.exit_status == 130


@pytest.mark.usefixtures("again")
def test_a_wait_ends_by_a_signal_that_python_ignores() -> None:
    def waiting() -> Iterator[int]:
        in_callback(lambda: signal.raise_signal(signal.SIGTERM))
        time.sleep(60)
        yield 1

    with StopSignal() as interrupt:
        assert list(interrupt.until_signal(waiting())) == []
    assert interrupt.exit_status == 143


@pytest.mark.usefixtures("again")
def test_a_wait_that_has_ended_is_not_interrupted_later() -> None:
    def quick() -> Iterator[int]:
        in_callback(lambda: signal.raise_signal(signal.SIGTERM))
        yield 1

    with StopSignal() as interrupt:
        for _ in interrupt.until_signal(quick()):
            time.sleep(0.05)
    assert interrupt.exit_status == 143


@pytest.mark.usefixtures("again")
def test_other_ignored_exceptions_are_reported_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda ignored: reported.append(ignored.exc_type))
    raise_ignored_interrupts()
    in_callback(lambda: int("none"))
    assert reported == [ValueError]
