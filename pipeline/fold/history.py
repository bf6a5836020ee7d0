"""Events of one conversation in, in the order of the log; what is known of it out: the set, and the starts it had."""

from collections.abc import Iterable

from schemas.turn import Turn

Identity = tuple[int, str, str]


class History:
    """The distinct events of one conversation, and the starts under which it may have rows.

    A row's sorting key holds the conversation's start, so a row must be taken back when an earlier event
    moves the start. A worker that died, or another that held the partition before, may have written a row
    after any prefix of the log; its start is then the least timestamp of that prefix. So the starts to take
    back are the running minima of the events in log order, and the start of what the archive held.
    """

    __slots__ = ("events", "lowest", "starts")

    def __init__(self, archived: Iterable[Turn] = (), *, shared: bool = False) -> None:
        """What is known before the first event of the log: the archived events of this conversation.

        Where others have written it too (`shared`), any of its events may once have been the first.
        """
        self.events: dict[Identity, Turn] = {turn.order: turn for turn in archived}
        self.starts: set[int] = {min(self.events)[0]} if self.events else set()
        if shared:
            self.starts.update(timestamp for timestamp, *_ in self.events)
        self.lowest: int | None = None  # of the events taken from the log: who died may have known of no others

    def add(self, turn: Turn) -> bool:
        """Take the next event of the log; whether it was new. Of two with one identity, the archive has the first."""
        if self.lowest is None or turn.timestamp < self.lowest:
            self.lowest = turn.timestamp
            self.starts.add(turn.timestamp)
        known = len(self.events)
        self.events.setdefault(turn.order, turn)
        return len(self.events) > known

    def outdated_starts(self, start: int) -> list[int]:
        """The starts whose rows the row of `start` takes the place of; asked for once, then forgotten."""
        outdated = sorted(self.starts - {start})
        self.starts = {start}
        return outdated

    def forget(self, until: int) -> None:
        """Know nothing of the events up to this moment, nor of the rows that began with them, which others delete."""
        self.events = {order: turn for order, turn in self.events.items() if turn.timestamp > until}
        self.starts = {start for start in self.starts if start > until}
        if self.events:
            self.starts.add(min(self.events)[0])  # who has deleted those has written this one
        if self.lowest is not None and self.lowest <= until:
            self.lowest = None
