"""Cache the events of recent conversations in memory, up to a maximum."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from pipeline.fold.event_set import EventSet
from schemas.turn import ConversationKey, Turn


class History(EventSet):
    """The distinct events of one conversation, and the starts under which it may have rows.

    A row's sorting key contains the conversation's start, so a row must be deleted when an earlier event moves
    the start. A worker that died, or another that held the partition before, may have written a row after any
    prefix of the log; its start is then the least timestamp of that prefix. So the superseded starts are the
    running minima of the events in log order, and the start of the archived events.

    Where writers other than workers have written the conversation, the archive is no prefix of the log, and a dead
    worker may have known any part of it. Then the current rows tell what to delete (`current`): a dead worker writes
    no more, and one that only sleeps reads the archive after its next write, since another writer wrote meanwhile. A
    dead worker may also have known more: its row can only be deleted by a row of as great a version.
    """

    __slots__ = ("current", "lowest", "starts")

    def __init__(self, archived: Iterable[Turn] = (), current: Mapping[int, int] = MappingProxyType({})) -> None:
        """Begin with the archived events of this conversation, and the starts and versions of its current rows."""
        super().__init__(archived)
        self.starts: set[int] = {min(self.events)[0]} if self.events else set()
        self.starts.update(current)
        self.current = current
        self.lowest: int | None = None  # minimum over the events of the log: a dead worker may have known no others

    def add(self, turn: Turn) -> bool:
        """Add the next event of the log, and return whether the archive may lack it."""
        if self.lowest is None or turn.timestamp < self.lowest:
            self.lowest = turn.timestamp
            self.starts.add(turn.timestamp)
        return EventSet.add(self, turn)

    def pop_superseded_starts(self, start: int) -> list[int]:
        """Return, and drop, the starts of rows that the row of `start` replaces; keep those of greater versions."""
        superseded = sorted(self.starts - {start})
        self.starts = {start, *(one for one in superseded if self.current.get(one, 0) > self.version)}
        return superseded

    def discard(self, unwanted: Callable[[Turn], bool]) -> bool:
        """Remove unwanted events, and the known starts, whose rows the erasure replaces; return whether any matched."""
        if not super().discard(unwanted):
            return False
        self.starts = {min(self.events)[0]} if self.events else set()
        self.lowest = None
        return True


class ConversationCache:
    """Histories of recent conversations, with at most `max_events` events in total.

    On a miss, callers read the archive. An entry is valid only while no other worker folds the same conversation,
    so the cache is valid for one assignment of partitions (`epoch`).
    """

    def __init__(self, max_events: int) -> None:
        self._max_events = max_events
        self._histories: OrderedDict[ConversationKey, History] = OrderedDict()
        self._events = 0
        self._epoch: int | None = None

    def enter(self, epoch: int) -> None:
        """Clear the cache if the assignment has changed since the last call."""
        if epoch != self._epoch:
            self.clear()
        self._epoch = epoch

    def clear(self) -> None:
        """Remove all entries."""
        self._histories.clear()
        self._events = 0

    def take(self, key: ConversationKey) -> History | None:
        """Remove and return a history; the caller puts it back once its row is written."""
        history = self._histories.pop(key, None)
        if history is not None:
            self._events -= history.version
        return history

    def put(self, key: ConversationKey, history: History) -> None:
        """Add a history as the most recent, and evict the least recent ones over the maximum."""
        self.take(key)
        self._histories[key] = history
        self._events += history.version
        while self._events > self._max_events:
            self.take(next(iter(self._histories)))

    def missing(self, keys: Iterable[ConversationKey]) -> set[ConversationKey]:
        """Return the keys that are not in the cache."""
        return {key for key in set(keys) if key not in self}

    def __contains__(self, key: ConversationKey) -> bool:
        return key in self._histories

    def __len__(self) -> int:
        return len(self._histories)
