"""Write rows whose columns are Lex's own members as log entries again.

Athena, Glue and Firehose make such files, with all names in lower case: a struct's members get Lex's spelling back, the
names in a map (slots, attributes) are the bot's and stay as they are. A column may also hold its object as JSON text.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import orjson
import pyarrow as pa

DEEPEST: Final = 40
"""Levels of a column's type: a slot of a slot of an interpretation has 12."""

SPELLED: Final = """
activeContexts aliasId aliasName audioPath botAlias botAliasId botId botName botResponse botVersion bots buttons
checkpointLabel confirmationState content contentType contextAttributes developerOverride dialogAction dialogState
fulfillmentState imageResponseCard imageUrl inputDialogMode inputMode inputTranscript intentName interpretationSource
interpretations interpretedValue kendraResponse localeId messageFormat messageVersion missedUtterance nluConfidence
nluIntentConfidence operationName originalValue originatingRequestId proposedNextState rawInputTranscript
rawTranscription requestAttributes requestId resolvedContext resolvedSlots resolvedValues responseCard responseReason
runtimeHints s3BucketArn sentimentLabel sentimentResponse sentimentScore sessionAttributes sessionId sessionState
slotElicitationStyle slotHints slotToElicit subSlotHints subSlotToElicit subSlots timeToLive timeToLiveInSeconds
transcriptionConfidence turnsToLive userId invocationSource currentIntent
""".split()  # noqa: SIM905 - as a list of texts they would fill a screen
"""Members of log entries, V2 and V1, whose names are not all in lower case."""

OBJECTS: Final = frozenset(
    (
        *("bot", "sessionState", "interpretations", "messages", "requestAttributes", "sessionAttributes", "slots"),
        *("proposedNextState", "transcriptions", "intent", "dialogAction", "activeContexts", "sentimentResponse"),
    )
)
"""Members that are objects or lists: where a column of one is text, it is JSON."""

_SPELLING: Final = {name.lower(): name for name in SPELLED} | {
    re.sub("([A-Z])", r"_\1", name).lower(): name for name in SPELLED
}
_LAYOUTS: Final = ({"sessionId", "requestId", "bot", "sessionState"}, {"sessionId", "requestId", "userId", "botName"})


def are_lex_columns(schema: pa.Schema) -> bool:
    """Tell whether these are columns of log entries of Lex V2 or V1."""
    names = {_spelled(field.name) for field in schema}
    return any(layout <= names for layout in _LAYOUTS) and all(_depth(field.type) <= DEEPEST for field in schema)


def as_entry(row: dict[str, Any], schema: pa.Schema) -> bytes:
    """Write a row, in Arrow's Python values, as a log entry; what is null in it is absent."""
    return msgspec.json.encode(_struct(row, schema))


def _spelled(name: str) -> str:
    return _SPELLING.get(name.lower(), name)


def _depth(kind: pa.DataType, level: int = 1) -> int:
    if level > DEEPEST:
        return level
    inside = (kind.field(place).type for place in range(kind.num_fields))
    return max((_depth(each, level + 1) for each in inside), default=level)


def _struct(members: dict[str, Any], fields: Iterable[pa.Field]) -> dict[str, Any]:
    found = {}
    for field in fields:
        if (value := members.get(field.name)) is not None:
            name = _spelled(field.name)
            found[name] = (
                _json(value) if name in OBJECTS and isinstance(value, str | bytes) else _plain(value, field.type)
            )
    return found


def _json(text: str | bytes) -> Any:
    """An object or list that a column has as JSON; what is none stays a text."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return _scalar(text)
    return msgspec.Raw(text.encode() if isinstance(text, str) else text)


def _plain(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return _struct(value, (kind.field(place) for place in range(kind.num_fields)))
    if pa.types.is_map(kind):
        return {str(name): _plain(each, kind.item_type) for name, each in value}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [_plain(each, kind.value_type) for each in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    """A text, a number or a time as Lex writes it."""
    match value:
        case bytes():
            return value.decode(errors="replace")
        case datetime():
            moment = value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC)
            return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case Decimal():
            return float(value)
        case str() | bool() | int() | float():
            return value
        case date() | _:
            return str(value)
