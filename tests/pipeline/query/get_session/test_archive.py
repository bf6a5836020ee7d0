"""Cost of reading a session, by ClickHouse's own count of rows read."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import orjson
import pytest

from pipeline.query.get_session.archive import Archive, SessionSelector, by_id, by_name, last_by, newest, payloads
from pipeline.query.get_session.current import CurrentSessions
from pipeline.store.connection.client import ClickHouse
from tests.effort import IN_SEARCH
from tests.events import turn
from tests.pipeline.query.session_entries import ALIAS, BOT, BOT_NAME, NOW, TTL, USER, Sessions, v2

BLOCK = 8192
"""Rows of a block of a part, all of which are read where one is wanted."""

MONTH, YEAR = 2_500_000_000, 31_000_000_000
"""Milliseconds."""

# Conversations of three events each, in the time before NOW; every thousandth goes on right now.
GENERATE = """
INSERT INTO turns
SELECT 'BOTAAAAAA1', concat('user-', toString(talk)), concat('origin-', toString(talk)),
       fromUnixTimestamp64Milli(toInt64({now:Int64}
           - if(talk % 1000 = 0, 5000, 400000 + cityHash64(talk) % {span:UInt64}) - (2 - event) * 1000), 'UTC'),
       concat('request-', toString(talk), '-', toString(event)), '', 'RecognizeText', 'Travel', 'TSTALIASID', 'live',
       '1', 'en_US', 'Text', '', concat('Intent', toString(event)), 'InProgress', 'ElicitSlot', false,
       toString(talk), '', cityHash64(talk, event),
       concat('{"bot": {"id": "BOTAAAAAA1"}, "inputTranscript": "', toString(talk), '"}')
FROM (SELECT intDiv(number, 3) AS talk, number % 3 AS event FROM numbers({events:UInt64}))
SETTINGS max_partitions_per_insert_block = 0
"""


class Counting:
    """The store, and the rows that ClickHouse says it has read for it."""

    def __init__(self, clickhouse: ClickHouse) -> None:
        self._client = clickhouse._client
        self.read = 0

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[tuple[Any, ...]]:
        """As ClickHouse.rows."""
        result = await self._client.query(
            statement, dict(parameters or {}), dict(settings or {}), query_formats={"DateTime64": "int"}
        )
        self.read += int(result.summary["read_rows"])
        rows: Sequence[tuple[Any, ...]] = result.result_rows
        return rows


ASKED: dict[str, Callable[[CurrentSessions, str], Awaitable[msgspec.Struct]]] = {
    "v1": lambda current, user: current.v1(BOT_NAME, "live", user, None),
    "label": lambda current, user: current.v1(BOT_NAME, "live", user, "Paid"),
    "v2": lambda current, user: current.v2(BOT, ALIAS, "en_US", user),
    "transcript": lambda current, user: current.transcript(BOT_NAME, "live", user, 100),
}


def costs(sessions: Sessions, conversations: int, span: int) -> dict[str, int]:
    """Rows read for each answer about one of so many conversations, in an archive of so many milliseconds."""

    async def measured(clickhouse: ClickHouse) -> dict[str, int]:
        await clickhouse.command("TRUNCATE TABLE turns")
        await clickhouse.command(GENERATE, {"now": NOW, "events": 3 * conversations, "span": span})
        user, found = f"user-{conversations // 2}", {}
        for name, ask in ASKED.items():
            store = Counting(clickhouse)
            answer = await ask(CurrentSessions(Archive(store), lambda: NOW, lambda _: TTL, lambda _: True), user)
            assert f"origin-{conversations // 2}".encode() in msgspec.json.encode(answer)
            found[name] = store.read
        return found

    return sessions.use(measured)


@IN_SEARCH
def test_the_cost_does_not_grow_with_the_number_of_conversations(sessions: Sessions) -> None:
    """Each SELECT reads the block where the session is, or two where it lies across their border, and no other."""
    found = [costs(sessions, *archive) for archive in ((10_000, MONTH), (300_000, MONTH), (300_000, YEAR))]
    for each in found:
        for name, selects in {"v1": 3, "label": 3, "v2": 2, "transcript": 3}.items():
            assert 0 < each[name] <= 2 * selects * BLOCK, found
    assert max(found[1].values()) <= 2 * max(found[0].values()), found


@IN_SEARCH
def test_payloads_are_read_of_few_events_of_a_long_conversation(sessions: Sessions) -> None:
    """100,000 turns: the keys of all are looked at, payloads only where the last events are."""
    talk = GENERATE.replace("concat('user-', toString(talk))", "'user-1'")
    talk = talk.replace("concat('origin-', toString(talk))", "'origin-1'").replace("talk % 1000 = 0", "1")
    talk = talk.replace("5000, 400000 + cityHash64(talk) % {span:UInt64}", "talk, 0")

    async def measured(clickhouse: ClickHouse) -> tuple[int, int]:
        await clickhouse.command(talk, {"now": NOW, "events": 100_000})
        selector = by_name(BOT_NAME, [BOT], "live", USER)
        archive = Archive(clickhouse)
        turns = await archive.last_of_intents(selector, "origin-1")
        assert len(turns) == 3
        store = Counting(clickhouse)
        (events,) = [chunk async for chunk in Archive(store).events(selector, turns)]
        assert [event.size > 0 for event in events] == [True] * 3
        current = CurrentSessions(archive, lambda: NOW, lambda _: TTL, lambda _: True)
        assert len((await current.transcript(BOT_NAME, "live", USER, 1000)).turns) == 1000
        return store.read, len((await current.v1(BOT_NAME, "live", USER, None)).recent_intent_summary_view)

    read, summaries = sessions.use(measured)
    assert read <= 2 * BLOCK
    assert summaries == 3


SELECTORS = [by_name(BOT_NAME, [BOT, "V1BOTIDAAA"], "live", USER), by_id(BOT, ALIAS, "en_US", USER)]


@pytest.mark.parametrize("selector", SELECTORS, ids=["names", "ids"])
def test_every_parameter_of_a_statement_is_bound_and_none_is_left_over(selector: SessionSelector) -> None:
    for statement in (newest(selector, NOW), last_by("intent_name", selector, "o", 10), payloads(selector, [turn()])):
        assert set(re.findall(r"\{(\w+):", statement.sql)) == set(statement.parameters)


@pytest.mark.parametrize("selector", SELECTORS, ids=["names", "ids"])
def test_every_statement_goes_by_the_key_and_the_index_of_sessions(
    sessions: Sessions, selector: SessionSelector
) -> None:
    sessions.insert(v2())

    async def explain(clickhouse: ClickHouse) -> list[str]:
        asked = (
            newest(selector, 0),
            last_by("intent_name", selector, "origin-1", 10),
            payloads(selector, [turn(timestamp=NOW)]),
        )
        plans = [await clickhouse.rows(f"EXPLAIN indexes=1 {each.sql}", each.parameters) for each in asked]
        return ["\n".join(line for (line,) in plan) for plan in plans]

    for plan in sessions.use(explain):
        keys = plan[plan.index("PrimaryKey") :]
        assert "bot_id" in keys
        assert "session_id" in keys
        assert "Name: sessions" in keys


def test_half_a_character_is_shown_replaced_whichever_way_it_was_cut(sessions: Sessions) -> None:
    """The payload is kept byte for byte, and no byte of it stands in the way of what else it says."""
    for ago, cut in enumerate([b"\\ud83d", b"\xf0\x9f\x98", b"\xed\xa0\xbd"], start=1):
        sessions.insert(orjson.dumps(v2(ago, inputTranscript="thanks ?")).replace(b"thanks ?", b"thanks " + cut))
    said = [turn["inputTranscript"] for turn in sessions.transcript()["turns"]]
    assert said == ["thanks \ufffd"] * 3
