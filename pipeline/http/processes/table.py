"""Share numbers between the processes of a query layer by memory: who they are, and what they do."""

import mmap
import os
from pathlib import Path
from typing import Self

FILE = "processes"
WORD = 8
"""Bytes of a number."""
COLUMNS = 5


class ProcessTable:
    """Numbers of each process, by its number: the parent has 0, the processes that answer have 1 and more.

    Each number has one writer, and is read and written as a whole.

    Attributes:
        pids: process ids, written by the parent; 0 while there is no process.
        beats: counted up by a process every second while its event loop runs; 0 until it answers.
        in_progress: requests in progress.
        connections: open connections, as of when the process last saw a new one.
        restarts: how often the parent has started the process again.
    """

    def __init__(self, folder: Path) -> None:
        """Open the table in a folder."""
        with (folder / FILE).open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        words = memoryview(self._memory).cast("q")
        rows = len(words) // COLUMNS
        self.pids, self.beats, self.in_progress, self.connections, self.restarts = (
            words[column * rows : (column + 1) * rows] for column in range(COLUMNS)
        )

    @classmethod
    def create(cls, folder: Path, count: int) -> Self:
        """Create a table of zeros for `count` processes and their parent, which is this process."""
        (folder / FILE).write_bytes(bytes((count + 1) * COLUMNS * WORD))
        table = cls(folder)
        table.pids[0] = os.getpid()
        return table

    def started(self, number: int, pid: int) -> None:
        """Record a new process, which does not answer yet."""
        self.pids[number] = pid
        for column in (self.beats, self.in_progress, self.connections):
            column[number] = 0

    def ended(self, number: int) -> None:
        """Record that a process has ended, and with it its requests."""
        self.started(number, 0)
