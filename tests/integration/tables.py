"""What the tables hold against what the slow fold says: every conversation, every event, nothing else."""

from collections import Counter
from typing import Any

import orjson

from tests.events import iso
from tests.integration.pieces import Pieces
from tests.integration.traffic import BROKEN, expected

ROWS = """
SELECT bot_id, session_id AS sessionId, originating_request_id AS originatingRequestId,
       toUnixTimestamp64Milli(start) AS began, toUnixTimestamp64Milli(end) AS ended,
       turns AS numberOfTurns, nullIf(mode, '') AS mode, nullIf(channel, '') AS channel,
       bot_alias_id AS botAliasId, bot_version AS botVersion, locale_id AS localeId, intents,
       if(end_state = '', 'Dropped', end_state) AS conversationEndState
FROM turnfold.conversations FINAL
ORDER BY start DESC, session_id DESC, originating_request_id DESC
SETTINGS output_format_json_quote_64bit_integers = 0
"""
EVENTS = "SELECT payload FROM turnfold.turns FINAL"


def assert_tables(parts: Pieces, traffic: list[bytes]) -> None:
    """Rows are those of the slow fold, once each; the archive holds every distinct valid event once."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in parts.answers(ROWS):
        times = {"start": iso(row.pop("began")), "end": iso(row.pop("ended"))}
        found.setdefault(row.pop("bot_id"), []).append(row | times)
    assert found == expected(traffic)
    archived = Counter(row["payload"].encode() for row in parts.answers(EVENTS))
    assert archived == Counter({line for line in traffic if line not in BROKEN})
    assert orjson.loads(next(iter(archived)))
