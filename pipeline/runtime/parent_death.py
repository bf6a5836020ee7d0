"""End a process with the one that has started it."""

import ctypes
import signal
import sys

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a child gets when its parent dies, so that not even SIGKILL leaves orphans (Linux)."""


def die_with_parent() -> None:
    """Let this new process get SIGTERM when its parent dies; to be called between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
