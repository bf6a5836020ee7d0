"""Define erasures, the rows of tables `forgotten` and `forgotten_events`, and decide which events they cover."""

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
    """Return the SHA-256 of the parts, joined by zero bytes, in hexadecimal: ids are not kept in clear, nor logged."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def event_digest(turn: Turn) -> int:
    """Return a digest of the identity of an event, independent of its content."""
    identity = (*turn.key, str(turn.timestamp), turn.request_id, turn.response_reason)
    return int.from_bytes(hashlib.sha256("\0".join(identity).encode()).digest()[:8], "little")


class Origin(Protocol):
    """The position of an event in Kafka, and its record's time in milliseconds."""

    @property
    def topic(self) -> str:
        """The topic."""

    @property
    def topic_id(self) -> str:
        """The topic's id, in hexadecimal; empty if the broker has no ids."""

    @property
    def partition(self) -> int:
        """The partition."""

    @property
    def offset(self) -> int:
        """The offset."""

    @property
    def timestamp(self) -> int:
        """The time by the clock of the sender, or of the broker."""


class RecordOrigin(NamedTuple):
    """A plain `Origin`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    topic_id: str = ""


ARCHIVE = RecordOrigin("", 0, 0, 0)
"""The origin of events that are read from the archive, for which digests alone decide."""


class TopicEnds(msgspec.Struct, frozen=True):
    """The end offsets of each topic, by partition. `late`: the raw topic had records that were not read yet.

    The key is the topic's id, since a topic that is recreated under the same name begins at offset 0 again; it is the
    topic's name where the broker has no ids.
    """

    topics: dict[str, list[int]] = {}
    late: bool = False

    def of(self, origin: Origin) -> tuple[list[int] | None, bool]:
        """Return the ends of the topic of `origin`, and whether that certainly is the same topic; None if unknown."""
        if (ends := self.topics.get(origin.topic_id)) is not None:
            return ends, True
        return self.topics.get(origin.topic), False


class Erasure(msgspec.Struct, frozen=True, gc=False):
    """A row of `forgotten`; the server adds the time.

    `session` is a digest, `until` the time in milliseconds by the clock of the process that announced the erasure, and
    `ends` the `TopicEnds` of that moment as JSON.
    """

    bot_id: LowCardinalityStr
    session: Str
    until: Millis
    ends: Str = ""

    def superseding(self, others: Iterable["Erasure"]) -> "Erasure":
        """Return this erasure as the latest one, which replaces the others.

        If another one is later by its clock, then the process of this one has slept since it read the ends of the
        topics, or its clock is behind: then the greater ends count.
        """
        latest = self
        for other in others:
            if other.until >= latest.until:
                ends = msgspec.json.encode(_greater(_ends(latest.ends), _ends(other.ends))).decode()
                latest = msgspec.structs.replace(latest, until=other.until + 1, ends=ends)
        return latest

    def knows(self, origin: Origin) -> bool:
        """Return whether it has the ends of the topic of `origin`."""
        return _ends(self.ends).of(origin)[0] is not None

    def covers(self, turn: Turn, origin: Origin | None) -> bool:
        """Return whether it covers an event of this session from `origin`; None is an unknown origin.

        Offsets decide in the topic that they were read from, and dates everywhere else: also in a topic that was
        recreated since, as the former one's records may be sent to it again. Where the broker has no ids of topics, a
        record that is a day younger than the erasure is in a topic that was recreated.
        """
        if origin is ARCHIVE:
            return False
        ends = _ends(self.ends)
        known, certain = ends.of(origin) if origin else (None, False)
        if origin is None or known is None:
            return turn.timestamp <= self.until
        before = origin.partition < len(known) and origin.offset < known[origin.partition]
        possible = certain or origin.timestamp <= self.until + DAY_MS
        return (before and possible) or (ends.late and turn.timestamp <= self.until)


class ErasedEvent(msgspec.Struct, frozen=True, gc=False):
    """A row of `forgotten_events`: the digest of a session, and the digest of an event of it."""

    session: Str
    event: UInt64


class ErasureList:
    """The erasures of some sessions, as they were at one moment."""

    def __init__(self, erasures: Iterable[Erasure] = (), events: Mapping[str, Iterable[int]] | None = None) -> None:
        """Keep the last erasure of each session of each bot. `events` are digests of erased events, by session."""
        self._erasures: dict[tuple[str, str], Erasure] = {}
        for erasure in erasures:
            known = self._erasures.get((erasure.bot_id, erasure.session))
            if known is None or known.until <= erasure.until:
                self._erasures[erasure.bot_id, erasure.session] = erasure
        self._events = {session: frozenset(digests) for session, digests in (events or {}).items()}

    def __bool__(self) -> bool:
        return bool(self._erasures)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ErasureList) and (self._erasures, self._events) == (other._erasures, other._events)

    __hash__ = None  # type: ignore[assignment] # mutable values, compared but never used as a key

    def with_events(self, events: Iterable[ErasedEvent]) -> "ErasureList":
        """Return a list that has these erased events too."""
        digests = {session: set(known) for session, known in self._events.items()}
        for event in events:
            digests.setdefault(event.session, set()).add(event.event)
        return ErasureList(self._erasures.values(), digests)

    def find(self, bot_id: str, session_id: str) -> list[Erasure]:
        """Find the erasures of this session of this bot: its own, and that of all bots."""
        if not self._erasures:
            return []
        session = digest(session_id)
        return [erasure for bot in (bot_id, ALL_BOTS) if (erasure := self._erasures.get((bot, session)))]

    def is_erased(self, turn: Turn) -> bool:
        """Return whether this event is registered as erased."""
        events = self._events.get(digest(turn.session_id)) if self._events else None
        return events is not None and event_digest(turn) in events

    def covers(self, turn: Turn, origin: Origin | None) -> bool:
        """Return whether this event from `origin` is erased, by its digest or by an erasure of its session."""
        erasures = self.find(turn.bot_id, turn.session_id)
        return bool(erasures) and (self.is_erased(turn) or any(erasure.covers(turn, origin) for erasure in erasures))

    def covers_by_offset(self, turn: Turn, origin: Origin | None) -> bool:
        """Return whether an erasure of its session covers this event and knows where the topic of `origin` ended.

        The date of an event alone is no reason to register it as erased, and so to erase it from the archive.
        """
        if origin is None:
            return False
        erasures = self.find(turn.bot_id, turn.session_id)
        return any(erasure.knows(origin) and erasure.covers(turn, origin) for erasure in erasures)

    def without_erased(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """Return the events that are not registered as erased."""
        return [turn for turn in turns if not self.is_erased(turn)] if self._events else turns

    def sessions(self, keys: Iterable[ConversationKey]) -> set[Session]:
        """Return the sessions of these conversations that have erasures."""
        if not self._erasures:
            return set()
        return {session for session in {key[:2] for key in keys} if self.find(*session)}


def _greater(one: TopicEnds, other: TopicEnds) -> TopicEnds:
    names = one.topics.keys() & other.topics.keys()  # for a topic that only one of them has, dates decide
    topics = {
        name: [max(pair) for pair in zip_longest(one.topics[name], other.topics[name], fillvalue=0)] for name in names
    }
    return TopicEnds(topics, late=one.late or other.late)


@lru_cache(maxsize=1024)
def _ends(text: str) -> TopicEnds:
    return msgspec.json.decode(text, type=TopicEnds) if text else TopicEnds()
