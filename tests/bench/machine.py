"""A process in; the CPU time that it has used and the most memory that it has had, out (Linux)."""

import os
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> int:
    """The most that was resident, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024
