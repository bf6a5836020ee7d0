"""Conversations lately folded in, the same out for as long as they fit: a bounded least-recently-used cache."""

from collections import OrderedDict
from collections.abc import Iterable

from pipeline.fold.history import History
from schemas.erasure import ErasureList
from schemas.turn import ConversationKey


class Memory:
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

    def forget(self, forgotten: ErasureList) -> None:
        """Remember nothing of what is forgotten."""
        for key in list(self._histories):
            if forgotten.word(*key[:2]):
                history = self._histories[key]
                self._events -= history.version
                history.discard(forgotten.covers)
                self._events += history.version
                if not history.events:
                    del self._histories[key]

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
