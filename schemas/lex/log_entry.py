"""The members of AWS's log entries and envelopes that Turnfold reads; all others stay in the archived payload."""

import base64
import hashlib
from typing import Annotated

import msgspec

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
"""An identifier: never empty, and short enough to travel in a page token."""

Name = Annotated[str, msgspec.Meta(max_length=512)]
"""A name: rows hold it as often as it comes, so it has a bound, far beyond Lex's own."""

Switch = bool | str | None
"""A boolean that some writers put in quotes."""


class Bot(msgspec.Struct, gc=False):
    """`bot` of a Lex V2 log entry."""

    id: Id
    alias_id: Id = msgspec.field(name="aliasId")
    version: Id
    locale_id: Id = msgspec.field(name="localeId")
    name: Name | None = None
    alias_name: Name | None = msgspec.field(name="aliasName", default=None)


class Intent(msgspec.Struct, gc=False):
    """`sessionState.intent`; absent or without a name where nothing was understood."""

    name: Name | None = None
    state: Name | None = None


class DialogAction(msgspec.Struct, gc=False):
    """`sessionState.dialogAction`: what the bot does next."""

    type: Name | None = None


class SessionState(msgspec.Struct, gc=False):
    """`sessionState` of a Lex V2 log entry."""

    originating_request_id: Id = msgspec.field(name="originatingRequestId")
    intent: Intent | None = None
    dialog_action: DialogAction | None = msgspec.field(name="dialogAction", default=None)


class RequestAttributes(msgspec.Struct, gc=False):
    """The channel, as V2 and as V1 call it."""

    platform: Name | None = msgspec.field(name="x-amz-lex:channels:platform", default=None)
    channel_type: Name | None = msgspec.field(name="x-amz-lex:channel-type", default=None)


CHANNELS = tuple(field.encode_name for field in msgspec.structs.fields(RequestAttributes))
"""The names of these attributes."""


class LogEntry(msgspec.Struct, rename="camel", gc=False):
    """A Lex V2 conversation-log entry. A member `invocationSource` gives a code-hook event away."""

    timestamp: str
    request_id: Id
    session_id: Id
    bot: Bot
    session_state: SessionState
    message_version: str | None = None
    message_version_dashed: str | None = msgspec.field(name="message-version", default=None)
    invocation_source: str | None = None
    response_reason: Name | None = None
    operation_name: Name | None = None
    input_mode: Name | None = None
    missed_utterance: Switch = None
    request_attributes: RequestAttributes | None = None


class LogEntryV1(msgspec.Struct, rename="camel", gc=False):
    """A Lex V1 conversation-log entry: its `userId` is V2's session, its `sessionId` names one conversation."""

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
    missed_utterance: Switch = None
    request_attributes: RequestAttributes | str | None = None


ID_LENGTH = 10


def bot_id(bot_name: str) -> str:
    """The bot id of a V1 bot, which has only a name: ten of [A-Z2-7], the same everywhere."""
    return _derived("bot", bot_name)


def alias_id(bot_name: str, bot_alias: str) -> str:
    """The alias id of a V1 alias, derived from its bot's name and its own."""
    return _derived("alias", bot_name, bot_alias)


def _derived(*names: str) -> str:
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return base64.b32encode(digest)[:ID_LENGTH].decode()
