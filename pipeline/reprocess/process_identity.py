"""Identify this process, so that other processes of the machine can check whether it still runs."""

import hashlib
import os
import secrets
import socket
from functools import cache
from pathlib import Path

PROC = Path("/proc")
ZOMBIE = "Z"


def identify() -> str:
    """Return `place:process id:start-random`.

    The place is a host name and, on Linux, a digest that distinguishes machines and containers that share one. The
    start time distinguishes the process from a later one with the same id; empty if it cannot be read.
    """
    started, _ = _stat(os.getpid()) or ("", "")
    return f"{_place()}:{os.getpid()}:{started}-{secrets.token_hex(4)}"


def has_ended(identity: str) -> bool:
    """Return whether that process has certainly ended; False if it cannot be seen from here."""
    place, process, start = [*identity.rsplit(":", 2), "", ""][:3]
    if place != _place() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):  # it is another user's
        pass
    started, stat = start.partition("-")[0], _stat(int(process))
    if not started or stat is None:
        return False
    return stat[0] != started or stat[1] == ZOMBIE


@cache
def _place() -> str:
    host = socket.gethostname().replace(":", "-")
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text()
        namespace = (PROC / "self/ns/pid").readlink()
    except OSError:
        return host
    return f"{host}/{hashlib.sha256(f'{boot}{namespace}'.encode()).hexdigest()[:12]}"


def _stat(process: int) -> tuple[str, str] | None:
    """Return the start of a process, in clock ticks since boot, and its state; None if they cannot be read."""
    try:
        stat = (PROC / str(process) / "stat").read_text(errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return fields[19], fields[0]
