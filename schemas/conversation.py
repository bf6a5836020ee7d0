"""A conversation as table `conversations` holds it, and the names of bots as table `bots` does."""

import enum

import msgspec

from schemas.columns import Count, Millis, Text, Tiny, Word, Words
from schemas.turn import ConversationKey


class EndState(enum.StrEnum):
    """How a conversation ended. OPEN becomes `Dropped` when a query is answered after its idle TTL."""

    SUCCESS = "Success"
    FAILURE = "Failure"
    OPEN = ""


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """One row. Where `is_deleted`, it only takes back the row of the same bot, start, session and request.

    `version` is the number of distinct events that are known of it, two contents of one identity being two: a set only
    grows, so the greatest version is right.
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
        """The conversation that it is the row of."""
        return (self.bot_id, self.session_id, self.originating_request_id)


class NamedBot(msgspec.Struct, frozen=True, gc=False):
    """One row. ClickHouse makes them of what is inserted into `turns`."""

    bot_name: Word
    bot_id: Word
