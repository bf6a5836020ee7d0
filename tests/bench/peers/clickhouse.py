"""Let ClickHouse do everything: payloads go into a Null table, and views extract columns and keep aggregate states.

That is what a user of ClickHouse would build instead of a stream processor. It archives the entries, promises no more
than at least once, and a list has to merge the states of every conversation that it looks at.
"""

import struct

import clickhouse_connect

from schemas.turn import ArchivedTurn
from tests.bench.peers.contest import Clock, Contest

BATCH = 12_000
MEMBERS = {
    "bot_id": "bot.id",
    "session_id": "sessionId",
    "originating_request_id": "sessionState.originatingRequestId",
    "request_id": "requestId",
    "response_reason": "responseReason",
    "operation_name": "operationName",
    "bot_name": "bot.name",
    "bot_alias_id": "bot.aliasId",
    "bot_alias_name": "bot.aliasName",
    "bot_version": "bot.version",
    "locale_id": "bot.localeId",
    "input_mode": "inputMode",
    "intent_name": "sessionState.intent.name",
    "intent_state": "sessionState.intent.state",
    "dialog_action": "sessionState.dialogAction.type",
    "slot_to_elicit": "sessionState.dialogAction.slotToElicit",
    "utterance": "inputTranscript",
}
"""Column -> path of its member in an entry."""
MEMBER_TYPES = (
    "Tuple(sessionId String, requestId String, responseReason String, operationName String, inputMode String, "
    "inputTranscript String, timestamp String, missedUtterance Bool, bot Tuple(id String, name String, aliasId String, "
    "aliasName String, version String, localeId String), sessionState Tuple(originatingRequestId String, "
    "intent Tuple(name String, state String), dialogAction Tuple(type String, slotToElicit String)))"
)
EXTRACT = f"""
CREATE MATERIALIZED VIEW extract TO turns AS
WITH JSONExtract(payload, '{MEMBER_TYPES}') AS e
SELECT {", ".join(f"e.{path} AS {column}" for column, path in MEMBERS.items())},
  parseDateTime64BestEffort(e.timestamp, 3, 'UTC') AS timestamp, e.missedUtterance AS missed_utterance,
  JSONExtractString(payload, 'requestAttributes', 'x-amz-lex:channels:platform') AS channel,
  xxh3(payload) AS content, payload
FROM arriving
"""  # noqa: S608 - constants only
KEY = "bot_id, session_id, originating_request_id"
STATES = f"""
CREATE TABLE states ENGINE = AggregatingMergeTree ORDER BY ({KEY}) AS
SELECT {KEY}, minSimpleState(timestamp) AS start, maxSimpleState(timestamp) AS end,
  uniqExactState(request_id) AS turns, groupUniqArrayState(input_mode) AS modes,
  argMaxState((bot_alias_id, bot_version, locale_id, channel, intent_name, intent_state, dialog_action), timestamp) AS last,
  groupArrayState((timestamp, intent_name)) AS intents
FROM turns GROUP BY {KEY}
"""  # noqa: E501, S608 - an argument on a line; constants only


def main() -> None:
    """Run until all events are written."""
    contest = Contest()
    dsn = f"{contest.clickhouse}/{contest.database}".replace("http://", "clickhouse+http://")
    client, clock = clickhouse_connect.get_client(dsn=dsn, compress=False), Clock(contest)
    select = STATES.partition(" AS\n")[2]
    for statement in (
        "CREATE TABLE arriving (payload String) ENGINE = Null",
        STATES,
        f"CREATE MATERIALIZED VIEW aggregate TO states AS {select}",
        EXTRACT,
    ):
        client.command(statement)
    consumer = contest.consumer()
    waiting: list[bytes] = []
    last = False
    while not last:
        messages = consumer.consume(BATCH - len(waiting), timeout=0.5)
        if messages:
            last = clock.event(len(messages))
        waiting += [message.value() for message in messages]
        if waiting and (last or len(waiting) >= BATCH or not messages):
            client.raw_insert("arriving", insert_block=row_binary(waiting), fmt="RowBinary")
            consumer.commit(asynchronous=False)
            waiting = []
    clock.finish()


def row_binary(payloads: list[bytes]) -> bytes:
    """Return a block of one column of strings in format RowBinary."""
    return b"".join(part for payload in payloads for part in (_varint(len(payload)), payload))


def _varint(number: int) -> bytes:
    head = b""
    while number > 0x7F:
        head += struct.pack("B", number & 0x7F | 0x80)
        number >>= 7
    return head + struct.pack("B", number)


assert set(MEMBERS) | {"timestamp", "missed_utterance", "channel", "content", "payload"} == set(
    ArchivedTurn.__struct_fields__
), "a column of the archive is not extracted"

if __name__ == "__main__":
    main()
