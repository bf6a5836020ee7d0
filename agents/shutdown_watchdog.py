"""End a stopping process after a time limit, even if a part of it hangs, and log where it hangs."""

import asyncio
import io
import logging
import os
import threading
from collections.abc import Callable

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
    stacks = io.StringIO()
    for task in asyncio.all_tasks(loop):
        task.print_stack(limit=FRAMES, file=stacks)
    return stacks.getvalue()
