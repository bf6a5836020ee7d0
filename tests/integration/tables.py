"""Compare the tables with the slow fold: every conversation, every event, and nothing else."""

from collections import Counter
from typing import Any

import msgspec

from tests.events import iso
from tests.integration.component_stack import ComponentStack
from tests.integration.traffic import BROKEN, expected

ROWS = """
SELECT bot_id, session_id AS sessionId, originating_request_id AS originatingRequestId,
       toUnixTimestamp64Milli(start) AS began, toUnixTimestamp64Milli(end) AS ended,
       turns AS numberOfTurns, nullIf(mode, '') AS mode, nullIf(channel, '') AS channel,
       bot_alias_id AS botAliasId, bot_version AS botVersion, locale_id AS localeId, intents,
       if(end_state = '', 'Dropped', end_state) AS conversationEndState
FROM turnfold.conversations FINAL
SETTINGS output_format_json_quote_64bit_integers = 0
"""
EVENTS = "SELECT payload FROM turnfold.turns FINAL"


class Differences(msgspec.Struct):
    """The numbers of conversations and events that the tables lack, have twice, or have differently from the slow
    fold."""

    events: int
    conversations: int
    lost: int
    double: int
    wrong: int
    events_lost: int
    events_double: int


def assert_tables(parts: ComponentStack, traffic: list[bytes]) -> None:
    """Assert that rows are those of the slow fold, once each, and the archive has every distinct valid event once."""
    found = differences(parts, traffic)
    assert (found.lost, found.double, found.wrong) == (0, 0, 0), found
    assert (found.events_lost, found.events_double) == (0, 0), found


def differences(parts: ComponentStack, traffic: list[bytes]) -> Differences:
    """Compare the tables with the slow fold of the traffic."""
    rows = [_row(row) for row in parts.answers(ROWS)]
    wanted = {_key(bot, session): session for bot, sessions in expected(traffic).items() for session in sessions}
    held = Counter(_key(bot, row) for bot, row in rows)
    valid = {line for line in traffic if line not in BROKEN}
    archived = Counter(row["payload"].encode() for row in parts.answers(EVENTS))
    return Differences(
        events=len(valid),
        conversations=len(wanted),
        lost=len(wanted.keys() - held.keys()),
        double=held.total() - len(held),
        wrong=sum(wanted.get(_key(bot, row)) != row for bot, row in rows),
        events_lost=len(valid - archived.keys()),
        events_double=archived.total() - len(archived) + len(archived.keys() - valid),
    )


def _row(row: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    times = {"start": iso(row.pop("began")), "end": iso(row.pop("ended"))}
    return row.pop("bot_id"), row | times


def _key(bot: str, session: dict[str, Any]) -> tuple[str, str, str]:
    return bot, session["sessionId"], session["originatingRequestId"]
