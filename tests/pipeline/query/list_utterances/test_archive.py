"""Of all that the archive has, the event of an utterance is found by the rules of the fold."""

from typing import Any

import pytest

from pipeline.fold.fold import fold
from pipeline.ingest.decode import decode_entry
from pipeline.query.list_utterances import archive
from pipeline.query.list_utterances.archive import read_all_details
from pipeline.query.list_utterances.details import UtteranceDetails
from pipeline.query.list_utterances.sql import UtteranceRow
from pipeline.store.connection.client import ClickHouse
from tests.events import RULES
from tests.pipeline.query.session_entries import BOT, NOW, USER, Entry, archived, v2
from tests.pipeline.query.table import Table


def rows(*entries: Entry) -> list[UtteranceRow]:
    """The utterances of one conversation, as its row has them."""
    row = fold([decode_entry(archived(entry).payload, 1_000_000) for entry in entries], RULES)
    fields = (row.utterance_times, row.utterance_request_ids, row.utterance_texts, row.utterance_missed)
    of_row = (row.start, row.end, row.mode, row.bot_alias_id, row.bot_version, row.locale_id, row.channel)
    return [
        UtteranceRow(time, row.session_id, row.originating_request_id, request, text, missed, intent, slot, *of_row)
        for time, request, text, missed, intent, slot in zip(
            *fields, row.utterance_intents, row.utterance_slots, strict=True
        )
    ]


def details(table: Table, wanted: list[UtteranceRow], *stored: Entry) -> list[UtteranceDetails]:
    async def ask(clickhouse: ClickHouse) -> list[UtteranceDetails]:
        await clickhouse.insert("turns", [archived(entry) for entry in stored])
        chunks = [chunk async for chunk in read_all_details(clickhouse, BOT, wanted)]
        assert [row for chunk in chunks for row, _ in chunk] == wanted
        return [found for chunk in chunks for _, found in chunk]

    return table.use(ask)


def reply(found: UtteranceDetails) -> Any:
    return found.messages[0].content if found.messages else None


def answer(text: str) -> dict[str, Any]:
    return {"messages": [{"contentType": "PlainText", "content": text}]}


def test_of_several_entries_of_a_request_the_first_with_a_text_counts(table: Table) -> None:
    """They share their time; the alphabet would put FulfillmentCompletedResponse first."""
    same = {"requestId": "r1"}
    entries = [
        v2(10, responseReason="FulfillmentCompletedResponse", inputTranscript="hi", **same, **answer("done")),
        v2(10, responseReason="UtteranceResponse", inputTranscript="hi", **same, **answer("right")),
        v2(10, responseReason="StartTimeout", inputTranscript="", **same, **answer("silent")),
        v2(10, operationName="PutSession", responseReason="", inputTranscript="put", **same, **answer("put")),
    ]
    (found,) = details(table, rows(*entries), *entries)
    assert reply(found) == "right"


def test_of_several_contents_of_an_entry_the_one_that_is_folded_counts(table: Table) -> None:
    entries = [v2(10, requestId="r1", **answer(f"version {n}")) for n in range(8)]
    greatest = max(entries, key=lambda entry: archived(entry).content)
    (found,) = details(table, rows(greatest), *entries, *entries)
    assert reply(found) == greatest["messages"][0]["content"]


def test_entries_of_other_conversations_users_and_bots_are_not_taken(table: Table) -> None:
    ours = v2(10, requestId="r1", **answer("ours"))
    others: list[dict[str, Any]] = [
        {"conversation": "other"}, {"sessionId": "other"}, {"bot": {"id": "BOTBBBBBB2"}}, {"requestId": "r2"},
    ]  # fmt: skip
    stored = [v2(10, **({"requestId": "r1"} | answer("theirs") | other)) for other in others]
    assert list(map(reply, details(table, rows(ours), *stored))) == [None]
    assert list(map(reply, details(table, rows(ours), ours))) == ["ours"]


def test_an_event_that_has_expired_leaves_what_the_conversation_says(table: Table) -> None:
    kept, gone = v2(10, **answer("kept")), v2(20, bot={"version": "3"}, **answer("gone"))
    first, second = details(table, rows(gone, kept), kept)
    assert (reply(first), first.bot_version, first.channel) == (None, "1", "")
    assert reply(second) == "kept"


def test_many_are_read_in_their_order_with_statements_of_bounded_size(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "EVENTS_PER_QUERY", 7)
    entries = [v2(60 - n, requestId=f"r{n}", inputTranscript=f"say {n}", **answer(f"reply {n}")) for n in range(30)]
    wanted = rows(*entries)[::-1]
    assert wanted[0].time == NOW - 31_000
    assert wanted[0].session_id == USER
    assert list(map(reply, details(table, wanted, *entries))) == [f"reply {n}" for n in range(30)][::-1]
