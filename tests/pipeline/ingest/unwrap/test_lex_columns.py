"""Rows of Lex's own columns become log entries again, in Lex's spelling."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pytest

from pipeline.ingest.decode import decode_entry
from pipeline.ingest.unwrap.lex_columns import MAX_TYPE_DEPTH, are_lex_columns, build_entry

LIMIT = 1_000_000

TEXTS = pa.map_(pa.string(), pa.string())
INTENT = pa.struct([("name", pa.string()), ("state", pa.string()), ("slots", pa.map_(pa.string(), pa.struct([
    ("value", pa.struct([("originalvalue", pa.string()), ("resolvedvalues", pa.list_(pa.string()))])),
])))])  # fmt: skip
GLUE = pa.schema([
    ("messageversion", pa.string()), ("sessionid", pa.string()), ("requestid", pa.string()),
    ("timestamp", pa.timestamp("ms")), ("inputmode", pa.string()), ("missedutterance", pa.bool_()),
    ("bot", pa.struct([(name, pa.string()) for name in ("id", "aliasid", "localeid", "version", "name")])),
    ("sessionstate", pa.struct([("originatingrequestid", pa.string()), ("intent", INTENT),
                                ("sessionattributes", TEXTS), ("dialogaction", pa.struct([("type", pa.string())]))])),
    ("requestattributes", TEXTS), ("inputtranscript", pa.string()), ("year", pa.int32()),
])  # fmt: skip
NOON = datetime(2026, 6, 1, 12, 0, 0, 7000)  # noqa: DTZ001 - as Parquet has it
ROW = {
    "messageversion": "2.0", "sessionid": "s-1", "requestid": "r-1", "timestamp": NOON,
    "inputmode": "Text", "missedutterance": False, "inputtranscript": "{1}", "year": 2026,
    "bot": {"id": "BOTAAAAAA1", "aliasid": "TSTALIASID", "localeid": "en_US", "version": "1"},
    "sessionstate": {
        "originatingrequestid": "c-1", "dialogaction": {"type": "Close"}, "sessionattributes": [],
        "intent": {"name": "BookHotel", "state": "Fulfilled",
                   "slots": [("sessionid", {"value": {"originalvalue": "x"}}), ("Nights", None)]}},
    "requestattributes": [("x-amz-lex:channels:platform", "Slack")],
}  # fmt: skip


def entries(table: pa.Table) -> list[bytes]:
    return [build_entry(row, table.schema) for row in table.to_pylist()]


def test_lexs_own_columns_are_an_entry_again() -> None:
    """As Glue writes them, all in lower case; names in maps are the bot's own."""
    assert are_lex_columns(GLUE)
    first, second = entries(pa.Table.from_pylist([ROW, ROW | {"requestattributes": None}], GLUE))
    turn = decode_entry(first, LIMIT)
    assert (turn.key, turn.channel) == (("BOTAAAAAA1", "s-1", "c-1"), "Slack")
    assert (turn.timestamp, turn.intent_state, turn.dialog_action) == (1_780_315_200_007, "Fulfilled", "Close")
    assert orjson.loads(first)["sessionState"] == {
        "originatingRequestId": "c-1", "dialogAction": {"type": "Close"}, "sessionAttributes": {},
        "intent": {"name": "BookHotel", "state": "Fulfilled",
                   "slots": {"sessionid": {"value": {"originalValue": "x"}}, "Nights": None}},
    }  # fmt: skip
    assert orjson.loads(first)["inputTranscript"] == "{1}"
    assert decode_entry(second, LIMIT).channel == ""


def test_other_columns_are_not_those_of_an_entry() -> None:
    assert not are_lex_columns(pa.schema([("message", pa.string()), ("sessionid", pa.string())]))
    deep: pa.DataType = pa.string()
    for _ in range(MAX_TYPE_DEPTH):
        deep = pa.list_(deep)
    assert not are_lex_columns(GLUE.append(pa.field("deep", deep)))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"\xff", "\ufffd"),
        (Decimal("0.25"), 0.25),
        (datetime(2026, 6, 1, 12, tzinfo=UTC), "2026-06-01T12:00:00.000Z"),
        (date(2026, 6, 1), "2026-06-01"),
        (True, True),
        (["a", None], ["a", None]),
    ],
)
def test_values_are_written_as_lex_writes_them(value: Any, written: object) -> None:
    (entry,) = entries(pa.table({"newmember": [value]}))
    assert orjson.loads(entry) == {"newmember": written}


def test_a_column_of_an_object_may_hold_json_or_other_text() -> None:
    (entry,) = entries(pa.table({"bot": ['{"id":"x"}'], "slots": ["none"]}))
    assert orjson.loads(entry) == {"bot": {"id": "x"}, "slots": "none"}
