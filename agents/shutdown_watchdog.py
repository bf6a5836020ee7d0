"""End a stopping process after a time limit, even if a part of it hangs, and log where it hangs."""

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from traceback import StackSummary
from types import FrameType
from typing import Any

FAILED, STUCK = 1, 3
"""Exit statuses of a worker that stopped because of an error, and of one that was asked to stop but hung."""

FRAMES = 3
"""Number of innermost frames that are logged per task; they show what it waits for."""

log = logging.getLogger(__name__)


def exit_after(seconds: float, fatal: Callable[[], BaseException | None]) -> None:
    """End this process in `seconds` unless it has ended by then: a part that hangs must not keep its partitions.

    Nothing is lost: what is not committed is read again. `fatal` returns the error that caused the stop, None if it
    was requested.
    """
    timer = threading.Timer(seconds, _end, (asyncio.get_running_loop(), seconds, fatal))
    timer.daemon = True
    timer.start()


def _end(loop: asyncio.AbstractEventLoop, seconds: float, fatal: Callable[[], BaseException | None]) -> None:
    error = fatal()
    try:
        log.error("not stopped within %.0f s, ending the process; it waits for:\n%s", seconds, _stacks(loop))
        if error is not None:
            log.critical("this worker has ended: %s", error)
        logging.shutdown()
    finally:
        os._exit(STUCK if error is None else FAILED)


def _stacks(loop: asyncio.AbstractEventLoop) -> str:
    """Return the stacks of the tasks of `loop`; they are approximate, as the loop may continue meanwhile."""
    return "".join(line for task in asyncio.all_tasks(loop) for line in (f"{task!r}\n", *_stack(task.get_coro())))


def _stack(awaitable: Any) -> list[str]:
    """Format the innermost frames of a coroutine; `Task.get_stack` only knows the outermost one."""
    frames: list[FrameType] = []
    while awaitable is not None:
        frame = getattr(awaitable, "cr_frame", None) or getattr(awaitable, "gi_frame", None)
        frames += [frame] if frame else []
        awaitable = getattr(awaitable, "cr_await", None) or getattr(awaitable, "gi_yieldfrom", None)
    return StackSummary.extract((frame, frame.f_lineno) for frame in frames[-FRAMES:]).format()
