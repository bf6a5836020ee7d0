"""Define the rows of table `conversations` and of table `bots`."""

import enum

import msgspec

from schemas.columns import Count, Millis, Text, Tiny, Word, Words
from schemas.turn import ConversationKey


class EndState(enum.StrEnum):
    """How a conversation ended. Queries show OPEN as `Dropped` once the idle TTL has passed."""

    SUCCESS = "Success"
    FAILURE = "Failure"
    OPEN = ""


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """A row of table `conversations`. `is_deleted` deletes the row of the same bot, start, session and request.

    `version` is the number of distinct events that the row is folded from; two contents of one identity count as two.
    The set of events only grows, so the row with the greatest version is right.
    """

    bot_id: Word
    start: Millis
    session_id: Text
    originating_request_id: Text
    end: Millis
    duration_seconds: Count
    turns: Count
    mode: Word
    channel: Word
    bot_alias_id: Word
    bot_version: Word
    locale_id: Word
    intents: Words
    intent_path: Text
    end_state: Word
    version: Count
    is_deleted: Tiny = 0

    @property
    def key(self) -> ConversationKey:
        """Return the key of the conversation."""
        return (self.bot_id, self.session_id, self.originating_request_id)


class NamedBot(msgspec.Struct, frozen=True, gc=False):
    """A row of table `bots`. A materialized view fills the table from inserts into `turns`."""

    bot_name: Word
    bot_id: Word
