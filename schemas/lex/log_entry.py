"""Define the members of Lex log entries that Turnfold reads; all others stay in the archived payload."""

import base64
import hashlib
from typing import Annotated

import msgspec

MAX_NAME = 512
"""Characters of a name or an identifier at most."""

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
"""An identifier: never empty, and short enough to fit in a page token."""

Name = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]
"""A name. Rows repeat it, so its length is limited, far beyond Lex's own limit."""

LenientBool = bool | str | None
"""A boolean that some producers write as a string."""

LenientText = object
"""A text. Whatever else a producer writes in its place counts as absent: no entry is refused for it."""


class LogEntryBot(msgspec.Struct, gc=False):
    """`bot` of a Lex V2 log entry."""

    id: Id
    alias_id: Id = msgspec.field(name="aliasId")
    version: Id
    locale_id: Id = msgspec.field(name="localeId")
    name: Name | None = None
    alias_name: Name | None = msgspec.field(name="aliasName", default=None)


class LogEntryIntent(msgspec.Struct, gc=False):
    """`sessionState.intent`; absent or without a name if no intent was recognized."""

    name: Name | None = None
    state: Name | None = None


class LogEntryDialogAction(msgspec.Struct, gc=False):
    """`sessionState.dialogAction`: the bot's next action."""

    type: Name | None = None
    slot_to_elicit: LenientText = msgspec.field(name="slotToElicit", default=None)


class LogEntrySessionState(msgspec.Struct, gc=False):
    """`sessionState` of a Lex V2 log entry."""

    originating_request_id: Id = msgspec.field(name="originatingRequestId")
    intent: LogEntryIntent | None = None
    dialog_action: LogEntryDialogAction | None = msgspec.field(name="dialogAction", default=None)


class RequestAttributes(msgspec.Struct, gc=False):
    """The request attributes that name the channel, in V2 and in V1."""

    platform: Name | None = msgspec.field(name="x-amz-lex:channels:platform", default=None)
    channel_type: Name | None = msgspec.field(name="x-amz-lex:channel-type", default=None)


CHANNELS = tuple(field.encode_name for field in msgspec.structs.fields(RequestAttributes))
"""Names of the request attributes that name the channel."""


class LogEntry(msgspec.Struct, rename="camel", gc=False):
    """A Lex V2 conversation-log entry. A member `invocationSource` marks a code-hook event, which is no log entry."""

    timestamp: str
    request_id: Id
    session_id: Id
    bot: LogEntryBot
    session_state: LogEntrySessionState
    message_version: str | None = None
    message_version_dashed: str | None = msgspec.field(name="message-version", default=None)
    invocation_source: str | None = None
    response_reason: Name | None = None
    operation_name: Name | None = None
    input_mode: Name | None = None
    input_transcript: LenientText = None
    missed_utterance: LenientBool = None
    request_attributes: RequestAttributes | None = None


class LogEntryV1(msgspec.Struct, rename="camel", gc=False):
    """A Lex V1 conversation-log entry. Its `userId` is V2's session id; its `sessionId` identifies one conversation."""

    timestamp: str
    request_id: Id
    user_id: Id
    session_id: Id
    bot_name: Id
    bot_alias: Id
    bot_version: Name | None = None
    locale: Name | None = None
    intent: Name | None = None
    dialog_state: Name | None = None
    input_dialog_mode: Name | None = None
    input_transcript: LenientText = None
    slot_to_elicit: LenientText = None
    missed_utterance: LenientBool = None
    request_attributes: RequestAttributes | str | None = None


ID_LENGTH = 10


def bot_id(bot_name: str) -> str:
    """Derive the bot id of a V1 bot, which has only a name: ten of [A-Z2-7], the same everywhere."""
    return _derive_id("bot", bot_name)


def alias_id(bot_name: str, bot_alias: str) -> str:
    """Derive the alias id of a V1 alias from its bot's name and its own."""
    return _derive_id("alias", bot_name, bot_alias)


def _derive_id(*names: str) -> str:
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return base64.b32encode(digest)[:ID_LENGTH].decode()
