"""The bytes of one log entry in, a Turn out, or the reason why it is none."""

from datetime import UTC, datetime, timedelta
from sys import intern

import msgspec

from pipeline.errors import InvalidEventError, Reason
from pipeline.ingest.diagnose import InputForm, input_form
from pipeline.ingest.entry_v1 import turn_of_v1
from schemas.turn import Turn
from schemas.wire import LogEntry, LogEntryV1

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(2100, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

_v2 = msgspec.json.Decoder(LogEntry)
_v1 = msgspec.json.Decoder(LogEntryV1)


def decode_entry(raw: bytes, max_bytes: int) -> Turn:
    """The turn of a Lex V2 or V1 conversation-log entry.

    Raises:
        InvalidEventError: it is no such entry, with what was wrong and where.
    """
    check_text(raw, max_bytes)
    try:
        return _turn(_v2.decode(raw))
    except msgspec.ValidationError as wrong:
        return _decode_other(raw, str(wrong))
    except msgspec.DecodeError as broken:
        raise InvalidEventError(Reason.NOT_JSON, str(broken)) from None
    except RecursionError:
        raise InvalidEventError(Reason.TOO_DEEP, "more levels of JSON than a log entry can have") from None


def check_text(raw: bytes, max_bytes: int) -> None:
    """Refuse what cannot be the text of an entry: nothing, too much, or bytes that are not UTF-8."""
    if not raw.strip():
        raise InvalidEventError(Reason.EMPTY, "the input has no content")
    if len(raw) > max_bytes:
        raise InvalidEventError(Reason.TOO_LARGE, f"{len(raw)} bytes, where {max_bytes} are allowed")
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as wrong:
            raise InvalidEventError(Reason.NOT_UTF8, f"at byte {wrong.start}: {wrong.reason}") from None


def milliseconds(timestamp: str) -> int:
    """An ISO 8601 time with a zone, as milliseconds since 1970 UTC; finer parts are cut.

    Raises:
        InvalidEventError: no such time, no zone, or not between 1970 and 2100.
    """
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError as wrong:
        why = str(wrong).partition(":")[0]  # behind that it quotes
        raise InvalidEventError(Reason.BAD_TIMESTAMP, f"the timestamp is no time ({why})", timestamp) from None
    if moment.tzinfo is None:
        raise InvalidEventError(Reason.BAD_TIMESTAMP, "the timestamp has no time zone; Lex writes a Z", timestamp)
    if not EPOCH <= moment < END_OF_TIME:
        raise InvalidEventError(Reason.BAD_TIMESTAMP, "the timestamp is not between 1970 and 2100", timestamp)
    return (moment - EPOCH) // MILLISECOND


def _turn(entry: LogEntry) -> Turn:
    if entry.invocation_source is not None:
        raise InvalidEventError(Reason.CODE_HOOK, "a Lambda code-hook event (it has invocationSource) is no log entry")
    version = entry.message_version or entry.message_version_dashed or "2.0"
    if not version.startswith("2."):
        raise InvalidEventError(Reason.BAD_VERSION, "messageVersion of a Lex V2 entry, where 2.x is known", version)
    bot, state = entry.bot, entry.session_state
    intent, action, attributes = state.intent, state.dialog_action, entry.request_attributes
    # words come again and again: one copy of each makes the events that a worker remembers a third of their size.
    # By the order of the fields, as by their names it takes half as long again, for each event
    return Turn(
        intern(bot.id),
        intern(entry.session_id),
        intern(state.originating_request_id),
        milliseconds(entry.timestamp),
        entry.request_id,
        intern(entry.response_reason or ""),
        intern(entry.operation_name or ""),
        intern(bot.name or ""),
        intern(bot.alias_id),
        intern(bot.alias_name or ""),
        intern(bot.version),
        intern(bot.locale_id),
        intern(entry.input_mode or ""),
        intern((attributes.platform if attributes else None) or ""),
        intern((intent.name if intent else None) or ""),
        intern((intent.state if intent else None) or ""),
        intern((action.type if action else None) or ""),
        entry.missed_utterance in (True, "true"),
    )


def _decode_other(raw: bytes, wrong: str) -> Turn:
    form = input_form(raw)
    if form is InputForm.LOG_ENTRY_V1:
        try:
            entry = _v1.decode(raw)
        except msgspec.ValidationError as wrong_v1:
            raise InvalidEventError(Reason.WRONG_SHAPE, f"as a Lex V1 log entry: {wrong_v1}") from None
        return turn_of_v1(entry, milliseconds(entry.timestamp))
    if form is InputForm.CODE_HOOK:
        raise InvalidEventError(Reason.CODE_HOOK, "a Lambda code-hook event (it has invocationSource) is no log entry")
    if form is InputForm.ENVELOPE:
        raise InvalidEventError(
            Reason.WRONG_SHAPE,
            "a CloudWatch Logs envelope is no log entry: send it to the raw topic, which unpacks it",
        )
    raise InvalidEventError(Reason.WRONG_SHAPE, f"as a Lex V2 log entry: {wrong}")
