"""What the pipeline keeps of one turn event, and the row of the archive that it becomes."""

import msgspec
from xxhash import xxh3_64_intdigest

from schemas.columns import Digest, Flag, Millis, Payload, Text, Word


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A valid turn event. Text that the event does not carry is the empty string.

    Events are the same where conversation, `timestamp`, `request_id` and `response_reason` agree. Where their `content`
    differs all the same, the archive holds each of them, and the one with the greatest digest counts.
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
        """The conversation that the event belongs to."""
        return (self.bot_id, self.session_id, self.originating_request_id)

    @property
    def order(self) -> "Identity":
        """Identity and order within the conversation: by time, then request, then reason."""
        return (self.timestamp, self.request_id, self.response_reason)


Identity = tuple[int, str, str]
"""(timestamp, request id, response reason): what tells the events of a conversation apart."""

ConversationKey = tuple[str, str, str]
"""(bot id, session id, originating request id)"""


class ArchivedTurn(Turn, frozen=True, gc=False):
    """The row of table `turns`: the event's columns, and the entry: byte for byte, unless it is redacted."""

    payload: Payload


def content_of(payload: bytes) -> int:
    """Digest an entry as it is archived, which is after redaction; 0 stands for what was archived without a digest.

    Whoever makes two entries of one digest decides by that only which of his own two events counts.
    """
    return xxh3_64_intdigest(payload) or 1
