"""Keep the events of recent conversations in memory, within a bound."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

from pipeline.fold.event_set import EventSet
from schemas.turn import ConversationKey, Turn


class History(EventSet):
    """The distinct events of one conversation, and the starts under which it may have rows.

    A row's sorting key holds the conversation's start, so a row must be taken back when an earlier event
    moves the start. A worker that died, or another that held the partition before, may have written a row
    after any prefix of the log; its start is then the least timestamp of that prefix. So the starts to take
    back are the running minima of the events in log order, and the start of what the archive held.

    Where others than workers have written the conversation, the archive is no prefix of the log, and a dead worker may
    have known of any part of it. Then the rows that there are tell what to take back (`current`): who is dead writes no
    more, and who only sleeps looks at the archive after its next write, since somebody else wrote meanwhile.
    """

    __slots__ = ("lowest", "starts")

    def __init__(self, archived: Iterable[Turn] = (), current: Iterable[int] = ()) -> None:
        """Begin with the archived events of this conversation, and the starts of its current rows if these matter."""
        super().__init__(archived)
        self.starts: set[int] = {min(self.events)[0]} if self.events else set()
        self.starts.update(current)
        self.lowest: int | None = None  # of the events taken from the log: who died may have known of no others

    def add(self, turn: Turn) -> bool:
        """Take the next event of the log, and return whether the archive may lack it."""
        if self.lowest is None or turn.timestamp < self.lowest:
            self.lowest = turn.timestamp
            self.starts.add(turn.timestamp)
        return EventSet.add(self, turn)

    def outdated_starts(self, start: int) -> list[int]:
        """The starts whose rows the row of `start` takes the place of; asked for once, then forgotten."""
        outdated = sorted(self.starts - {start})
        self.starts = {start}
        return outdated

    def discard(self, unwanted: Callable[[Turn], bool]) -> bool:
        """Know nothing of these events, nor of the rows there were, which whoever erases them replaces."""
        if not super().discard(unwanted):
            return False
        self.starts = {min(self.events)[0]} if self.events else set()
        self.lowest = None
        return True


class ConversationCache:
    """Histories of recent conversations, at most `max_events` events in all.

    It is only a cache: what is not in it is read from the archive. What is in it is right only as long as
    no other worker folds the same conversations, so it holds for one assignment of partitions (`epoch`).
    """

    def __init__(self, max_events: int) -> None:
        self._max_events = max_events
        self._histories: OrderedDict[ConversationKey, History] = OrderedDict()
        self._events = 0
        self._epoch: int | None = None

    def enter(self, epoch: int) -> None:
        """Forget everything where the assignment has changed since the last call."""
        if epoch != self._epoch:
            self.clear()
        self._epoch = epoch

    def clear(self) -> None:
        """Forget everything."""
        self._histories.clear()
        self._events = 0

    def take(self, key: ConversationKey) -> History | None:
        """Take a history out; it is put back once what it says has been written."""
        history = self._histories.pop(key, None)
        if history is not None:
            self._events -= history.version
        return history

    def put(self, key: ConversationKey, history: History) -> None:
        """Keep a history as the most recent; the least recent make room."""
        self.take(key)
        self._histories[key] = history
        self._events += history.version
        while self._events > self._max_events:
            self.take(next(iter(self._histories)))

    def missing(self, keys: Iterable[ConversationKey]) -> set[ConversationKey]:
        """Those of the keys of which nothing is remembered."""
        return {key for key in set(keys) if key not in self}

    def __contains__(self, key: ConversationKey) -> bool:
        return key in self._histories

    def __len__(self) -> int:
        return len(self._histories)
