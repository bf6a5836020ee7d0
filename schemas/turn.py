"""Define a turn event as the pipeline handles it, and its row in the archive."""

import msgspec
from xxhash import xxh3_64_intdigest

from schemas.columns import Digest, Flag, Millis, Payload, Text, Word


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A valid turn event. Text that the event does not have is the empty string.

    Two events are the same if conversation, `timestamp`, `request_id` and `response_reason` agree. If their `content`
    still differs, the archive holds both, and the one with the greater digest counts.
    """

    bot_id: Word
    session_id: Text
    originating_request_id: Text
    timestamp: Millis
    request_id: Text
    response_reason: Word
    operation_name: Word
    bot_name: Word
    bot_alias_id: Word
    bot_alias_name: Word
    bot_version: Word
    locale_id: Word
    input_mode: Word
    channel: Word
    intent_name: Word
    intent_state: Word
    dialog_action: Word
    missed_utterance: Flag
    content: Digest

    @property
    def key(self) -> "ConversationKey":
        """Return the key of the conversation that the event belongs to."""
        return (self.bot_id, self.session_id, self.originating_request_id)

    @property
    def order(self) -> "Identity":
        """Return the event's identity and sort key within its conversation: by time, then request, then reason."""
        return (self.timestamp, self.request_id, self.response_reason)


Identity = tuple[int, str, str]
"""(timestamp, request id, response reason): identifies an event within its conversation."""

ConversationKey = tuple[str, str, str]
"""(bot id, session id, originating request id)"""


class ArchivedTurn(Turn, frozen=True, gc=False):
    """A row of table `turns`: the event's columns and its log entry, byte for byte unless it is redacted."""

    payload: Payload


def content_digest(payload: bytes) -> int:
    """Digest a log entry as it is archived, that is, after redaction. 0 is reserved for entries archived without one.

    A sender who constructs two entries with the same digest only decides which of his own two events counts.
    """
    return xxh3_64_intdigest(payload) or 1
