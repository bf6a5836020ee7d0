"""Rebuild log entries from rows whose columns are Lex's own members.

Athena, Glue and Firehose write such files with all names in lower case: the members of structs get Lex's spelling back,
the names in maps (slots, attributes) are the bot's and stay as they are. A column may also hold its object as JSON
text.
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
import orjson
import pyarrow as pa

MAX_TYPE_DEPTH: Final = 40
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
""".split()  # noqa: SIM905 - a list would take one line for each
"""Members of V2 and V1 log entries whose names are not all in lower case."""

OBJECTS: Final = frozenset(
    (
        *("bot", "sessionState", "interpretations", "messages", "requestAttributes", "sessionAttributes", "slots"),
        *("proposedNextState", "transcriptions", "intent", "dialogAction", "activeContexts", "sentimentResponse"),
    )
)
"""Members that are objects or lists: a text column of one holds JSON."""

_SPELLING: Final = {name.lower(): name for name in SPELLED} | {
    re.sub("([A-Z])", r"_\1", name).lower(): name for name in SPELLED
}
_LAYOUTS: Final = ({"sessionId", "requestId", "bot", "sessionState"}, {"sessionId", "requestId", "userId", "botName"})


def are_lex_columns(schema: pa.Schema) -> bool:
    """Return whether these are the columns of Lex V2 or V1 log entries."""
    names = {_spelled(field.name) for field in schema}
    return any(layout <= names for layout in _LAYOUTS) and all(_depth(field.type) <= MAX_TYPE_DEPTH for field in schema)


def build_entry(row: dict[str, Any], schema: pa.Schema) -> bytes:
    """Build a log entry from a row, in Arrow's Python values; nulls become absent."""
    return msgspec.json.encode(_struct(row, schema))


def _spelled(name: str) -> str:
    return _SPELLING.get(name.lower(), name)


def _depth(arrow_type: pa.DataType, level: int = 1) -> int:
    if level > MAX_TYPE_DEPTH:
        return level
    children = (arrow_type.field(index).type for index in range(arrow_type.num_fields))
    return max((_depth(child, level + 1) for child in children), default=level)


def _struct(members: dict[str, Any], fields: Iterable[pa.Field]) -> dict[str, Any]:
    entry = {}
    for field in fields:
        if (value := members.get(field.name)) is not None:
            name = _spelled(field.name)
            entry[name] = (
                _json(value) if name in OBJECTS and isinstance(value, str | bytes) else _plain(value, field.type)
            )
    return entry


def _json(text: str | bytes) -> Any:
    """Return the object or list of a JSON text; other text stays text."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return _scalar(text)
    return msgspec.Raw(text.encode() if isinstance(text, str) else text)


def _plain(value: Any, arrow_type: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_struct(arrow_type):
        return _struct(value, (arrow_type.field(index) for index in range(arrow_type.num_fields)))
    if pa.types.is_map(arrow_type):
        return {str(name): _plain(item, arrow_type.item_type) for name, item in value}
    if pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type):
        return [_plain(item, arrow_type.value_type) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    """Convert a text, a number or a time to the form that Lex writes."""
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
