"""Seal a process inside a folder by Landlock, a sandbox of the Linux kernel, whatever a library in it tries to do.

A statement can reach files in more ways than a list can name: ClickHouse's function `file` is called from strings, from
defaults of columns, from data. So before the engine starts, its process gives up the rights to open any file but those
of its folder and of Python's own code, to start a program, to connect to an address, and to signal other processes.
This needs Linux 5.13 (addresses: 6.7, signals: 6.12), but no privilege and no configuration. Threads and children
inherit it, and it cannot be undone.
"""

import ctypes
import os
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import pipeline

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""System calls; their numbers are the same on every architecture."""
_ASK_VERSION, _PATH_BENEATH, _PR_SET_NO_NEW_PRIVS = 1, 1, 38

_EXECUTE, _WRITE, _READ, _LIST = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_CHANGE = 0b1_1111_1111 << 4
"""Create and remove files, folders, links and the like."""
_REFER, _TRUNCATE, _IOCTL = 1 << 13, 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE | _READ | _TRUNCATE | _IOCTL
_CONNECT_AND_BIND = 0b11
_SIGNALS_AND_ABSTRACT_SOCKETS = 0b11
_FILES_SINCE = ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL))

SYSTEM = (
    "/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/ssl/openssl.cnf",
    "/dev/urandom", "/dev/random",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys", "/proc/self/maps", "/proc/self/auxv",
    "/sys/devices/system/cpu", "/sys/fs/cgroup", "/sys/kernel/mm/transparent_hugepage",
)  # fmt: skip
"""Paths that every program reads, and that hold no private data."""
NAMES = ("/etc/hosts", "/etc/nsswitch.conf", "/etc/resolv.conf", "/etc/ssl/certs")
"""Paths that are read to connect to an address."""


def version() -> int:
    """Return the kernel's version of Landlock, or 0 if it has none."""
    if sys.platform != "linux":
        return 0
    known: int = _libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), _ASK_VERSION)
    return max(0, known)


def seal(folder: Path, *, connects: bool) -> bool:
    """Let this thread, and all threads and processes that it starts, open only `folder` and what Python needs.

    Args:
        folder: an existing folder, which may be read and written.
        connects: whether other addresses may be reached.

    Returns:
        Whether files are sealed off. Without Landlock nothing is changed.
    """
    known = version()
    if not known:
        return False
    handled = _EXECUTE | _WRITE | _READ | _LIST | _CHANGE
    for since, right in _FILES_SINCE:
        handled |= right if known >= since else 0
    network = 0 if connects or known < 4 else _CONNECT_AND_BIND
    scopes = _SIGNALS_AND_ABSTRACT_SOCKETS if known >= 6 else 0
    fields = [handled, *([network] if known >= 4 else []), *([scopes] if known >= 6 else [])]
    ruleset = _call(CREATE_RULESET, struct.pack(f"={len(fields)}Q", *fields), ctypes.c_size_t(8 * len(fields)), 0)
    try:
        _allow(ruleset, [folder], handled & ~_EXECUTE & ~_IOCTL)
        _allow(ruleset, ["/dev/null"], _READ | _WRITE)
        _allow(ruleset, [*SYSTEM, *_code(), *(NAMES if connects else ())], _READ | _LIST)
        if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
        _call(RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return True


def _code() -> set[str]:
    """Return the folders of Python's modules and ours, but never a whole checkout, which may hold the data folder."""
    ours = Path(pipeline.__file__ or "").parent
    installed = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return {*installed, f"{sys.base_prefix}/lib", str(ours), str(ours.parent / "schemas")}


def _allow(ruleset: int, paths: Iterable[str | Path], rights: int) -> None:
    for path in paths:
        try:
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # it does not exist here, so it needs no rule
        try:
            allowed = rights if Path(path).is_dir() else rights & _OF_FILES
            _call(ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", allowed, opened), 0)
        finally:
            os.close(opened)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), "Landlock: " + os.strerror(ctypes.get_errno()))
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
