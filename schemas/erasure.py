"""Who has been erased, and up to when: rows of table `forgotten`, and what they say of events."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec

from schemas.columns import Millis, Text, Word
from schemas.turn import ConversationKey, Turn

ALL_BOTS = ""
Session = tuple[str, str]
"""(bot id, session id)"""


@lru_cache(maxsize=65_536)
def digest(*parts: str) -> str:
    """SHA-256 of the parts, a zero byte between them, in hexadecimal digits: ids are not kept in clear, nor logged."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Erasure(msgspec.Struct, frozen=True, gc=False):
    """One row; the server adds the time. Events of `session` (its digest) up to `until` are forgotten."""

    bot_id: Word
    session: Text
    until: Millis


class ErasureList:
    """All that is forgotten, as it was at one moment."""

    def __init__(self, words: Iterable[Erasure] = ()) -> None:
        """Of several words on one session the one that goes furthest counts."""
        self._words: dict[tuple[str, str], Erasure] = {}
        for word in words:
            known = self._words.get((word.bot_id, word.session))
            if known is None or known.until < word.until:
                self._words[word.bot_id, word.session] = word

    def word(self, bot_id: str, session_id: str) -> Erasure | None:
        """What is said of this session of this bot."""
        if not self._words:
            return None
        session = digest(session_id)
        said = [word for bot in (bot_id, ALL_BOTS) if (word := self._words.get((bot, session)))]
        return max(said, key=lambda word: word.until, default=None)

    def covers(self, turn: Turn) -> bool:
        """Whether this event is forgotten."""
        word = self.word(turn.bot_id, turn.session_id)
        return word is not None and turn.timestamp <= word.until

    def kept(self, turns: Sequence[Turn]) -> Sequence[int]:
        """The places of the events that are not forgotten."""
        if not self._words:
            return range(len(turns))
        return [place for place, turn in enumerate(turns) if not self.covers(turn)]

    def of(self, keys: Iterable[ConversationKey]) -> dict[Session, Erasure]:
        """The words on the sessions of these conversations, as far as there are any."""
        if not self._words:
            return {}
        sessions = {(bot_id, session_id) for bot_id, session_id, _ in keys}
        return {session: word for session in sessions if (word := self.word(*session))}
