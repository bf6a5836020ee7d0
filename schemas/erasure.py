"""Who has been erased, and up to when: rows of table `forgotten`, and what they say of events."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import NamedTuple, Protocol

import msgspec

from schemas.columns import LowCardinalityStr, Millis, Str, UInt64
from schemas.topics import DAY_MS
from schemas.turn import ConversationKey, Turn

ALL_BOTS = ""
Session = tuple[str, str]
"""(bot id, session id)"""


@lru_cache(maxsize=65_536)
def digest(*parts: str) -> str:
    """SHA-256 of the parts, a zero byte between them, in hexadecimal digits: ids are not kept in clear, nor logged."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def event_digest(turn: Turn) -> int:
    """What stands for the identity of an event, whatever its content."""
    identity = (*turn.key, str(turn.timestamp), turn.request_id, turn.response_reason)
    return int.from_bytes(hashlib.sha256("\0".join(identity).encode()).digest()[:8], "little")


class Origin(Protocol):
    """Where Kafka has an event, and its record's time in milliseconds."""

    @property
    def topic(self) -> str:
        """The topic."""

    @property
    def partition(self) -> int:
        """The partition."""

    @property
    def offset(self) -> int:
        """The offset."""

    @property
    def timestamp(self) -> int:
        """By the clock of whoever sent it, or of the broker."""


class RecordOrigin(NamedTuple):
    """An origin of its own."""

    topic: str
    partition: int
    offset: int
    timestamp: int


ARCHIVE = RecordOrigin("", 0, 0, 0)
"""The origin of what is read from the archive, where nothing but digests decides."""


class TopicEnds(msgspec.Struct, frozen=True):
    """Where each partition of a topic ended. `late`: the raw topic had records that nobody had read."""

    topics: dict[str, list[int]] = {}
    late: bool = False


class Erasure(msgspec.Struct, frozen=True, gc=False):
    """One row; the server adds the time. `session` is a digest, `until` the clock of who said it, `ends` JSON."""

    bot_id: LowCardinalityStr
    session: Str
    until: Millis
    ends: Str = ""

    def superseding(self, others: Iterable["Erasure"]) -> "Erasure":
        """The same as the last word, which takes the place of the others.

        Where another is later by its clock, who says this one has slept since it saw where topics end, or its clock
        is behind: then the further ends count.
        """
        found = self
        for other in others:
            if other.until >= found.until:
                ends = msgspec.json.encode(_further(_ends(found.ends), _ends(other.ends))).decode()
                found = msgspec.structs.replace(found, until=other.until + 1, ends=ends)
        return found

    def covers(self, turn: Turn, origin: Origin | None) -> bool:
        """Whether it means an event of this session that has come from there; None is nobody knows where.

        A record that is a day younger than the word was not there: the topic was made anew, and begins at 0 again.
        """
        if origin is ARCHIVE:
            return False
        ends = _ends(self.ends)
        if origin is None or (known := ends.topics.get(origin.topic)) is None:
            return turn.timestamp <= self.until
        before = origin.partition < len(known) and origin.offset < known[origin.partition]
        return (before and origin.timestamp <= self.until + DAY_MS) or (ends.late and turn.timestamp <= self.until)


class ErasedEvent(msgspec.Struct, frozen=True, gc=False):
    """One row: `session` as above, and the digest of an event of it."""

    session: Str
    event: UInt64


class ErasureList:
    """What is said of some sessions, as it was at one moment."""

    def __init__(self, words: Iterable[Erasure] = (), events: Mapping[str, Iterable[int]] | None = None) -> None:
        """Of several words on one session of one bot the last one counts. `events` are digests, by session."""
        self._words: dict[tuple[str, str], Erasure] = {}
        for word in words:
            known = self._words.get((word.bot_id, word.session))
            if known is None or known.until <= word.until:
                self._words[word.bot_id, word.session] = word
        self._events = {session: frozenset(some) for session, some in (events or {}).items()}

    def __bool__(self) -> bool:
        return bool(self._words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ErasureList) and (self._words, self._events) == (other._words, other._events)

    __hash__ = None  # type: ignore[assignment] # it is compared, and never a key

    def with_events(self, events: Iterable[ErasedEvent]) -> "ErasureList":
        """The same with these events."""
        found = {session: set(some) for session, some in self._events.items()}
        for one in events:
            found.setdefault(one.session, set()).add(one.event)
        return ErasureList(self._words.values(), found)

    def find(self, bot_id: str, session_id: str) -> list[Erasure]:
        """What is said of this session of this bot."""
        if not self._words:
            return []
        session = digest(session_id)
        return [word for bot in (bot_id, ALL_BOTS) if (word := self._words.get((bot, session)))]

    def is_erased(self, turn: Turn) -> bool:
        """Whether this event is known by its digest."""
        events = self._events.get(digest(turn.session_id)) if self._events else None
        return events is not None and event_digest(turn) in events

    def covers(self, turn: Turn, origin: Origin | None) -> bool:
        """Whether this event that has come from there is forgotten."""
        words = self.find(turn.bot_id, turn.session_id)
        return bool(words) and (self.is_erased(turn) or any(word.covers(turn, origin) for word in words))

    def without_erased(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """Those whose digests are not known."""
        return [turn for turn in turns if not self.is_erased(turn)] if self._events else turns

    def sessions(self, keys: Iterable[ConversationKey]) -> set[Session]:
        """The sessions of these conversations of which anything is said."""
        if not self._words:
            return set()
        return {session for session in {key[:2] for key in keys} if self.find(*session)}


def _further(one: TopicEnds, other: TopicEnds) -> TopicEnds:
    names = one.topics.keys() & other.topics.keys()  # of a topic that one does not know, dates decide
    topics = {
        name: [max(pair) for pair in zip_longest(one.topics[name], other.topics[name], fillvalue=0)] for name in names
    }
    return TopicEnds(topics, late=one.late or other.late)


@lru_cache(maxsize=1024)
def _ends(text: str) -> TopicEnds:
    return msgspec.json.decode(text, type=TopicEnds) if text else TopicEnds()
