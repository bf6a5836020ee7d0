"""A stop that has begun in; the process ended within its time out, whatever hangs, with a word on where it hung."""

import asyncio
import io
import logging
import os
import threading
from collections.abc import Callable

FAILED, STUCK = 1, 3
"""Exit statuses: of a worker that has met an error, and of one that was told to stop and could not."""

FRAMES = 3
"""Of each task, the innermost: they tell what it waits for."""

log = logging.getLogger(__name__)


def exit_after(seconds: float, fatal: Callable[[], BaseException | None]) -> None:
    """End this process in `seconds`, unless it has ended by then: a part that hangs must not keep its partitions.

    Nothing is lost by it: what is not committed is read again. `fatal` tells the error for which the stop began,
    None where it was asked for.
    """
    timer = threading.Timer(seconds, _end, (asyncio.get_running_loop(), seconds, fatal))
    timer.daemon = True
    timer.start()


def _end(loop: asyncio.AbstractEventLoop, seconds: float, fatal: Callable[[], BaseException | None]) -> None:
    error = fatal()
    try:
        log.error("not stopped within %.0f s, so it is ended; it waits for:\n%s", seconds, _waiting(loop))
        if error is not None:
            log.critical("this worker has ended: %s", error)
        logging.shutdown()
    finally:
        os._exit(STUCK if error is None else FAILED)


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    """Where each task of `loop` stands; the loop may go on meanwhile, so it is a sketch."""
    sketch = io.StringIO()
    for task in asyncio.all_tasks(loop):
        task.print_stack(limit=FRAMES, file=sketch)
    return sketch.getvalue()
