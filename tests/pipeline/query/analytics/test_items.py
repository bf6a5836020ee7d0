"""Items are selected by conditions on their conversations and on themselves, and only what is used is read."""

from typing import Any

import msgspec
import pytest

from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.analytics.items import CONVERSATIONS, STAGES, UTTERANCES, VISITS, Items
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.topics import DAY_MS
from tests.pipeline.query.rows import BOT, NOW, conversation
from tests.pipeline.query.table import Table

HOUR = 3_600_000
ROW = conversation(
    visit_intents=("A", "B"), visit_levels=(1, 2), visit_states=("Success", ""),
    stage_intents=("A",), stage_names=("City",), stage_states=("Success",), stage_switched_to=("",), stage_retries=(2,),
    utterance_times=(NOW - 3_600_000, NOW - 3_550_000, NOW - 3_540_000), utterance_request_ids=("1", "2", "3"),
    utterance_texts=("x", "y", "z"), utterance_missed=(False, True, False), utterance_intents=("A", "", "B"),
    utterance_slots=("", "City", ""),
)  # fmt: skip


def selected(table: Table, items: Items, fields: str, *conditions: SqlFragment, **window: int) -> list[tuple[Any, ...]]:
    bound: dict[str, Any] = {"bot_id": BOT, "after": 0, "before": NOW} | window
    for condition in conditions:
        bound |= condition.parameters
    statement = f"SELECT {fields} {items.from_where(conditions, fields)} ORDER BY ALL"
    return list(table.use(lambda clickhouse: clickhouse.rows(statement, bound)))


@pytest.mark.parametrize("items", [VISITS, STAGES, UTTERANCES])
def test_every_field_is_of_an_array(items: Items) -> None:
    known = columns(Conversation)
    assert all(known[column].startswith("Array(") for column in items.arrays.values())


def test_conversations_are_rows_inside_of_the_window(table: Table) -> None:
    table.insert(ROW)
    assert selected(table, CONVERSATIONS, "session_id") == [("session-0",)]
    assert selected(table, CONVERSATIONS, "session_id", after=ROW.start) == []
    assert selected(table, CONVERSATIONS, "session_id", before=ROW.end) == []


def test_visits_and_stages_have_their_fields_and_those_of_their_conversation(table: Table) -> None:
    table.insert(ROW)
    visits = selected(table, VISITS, "session_id, visit_intent, visit_level, visit_state")
    assert visits == [("session-0", "A", 1, "Success"), ("session-0", "B", 2, "")]
    stages = selected(table, STAGES, "stage_intent, stage_name, stage_state, switched_to, stage_retry")
    assert stages == [("A", "City", "Success", "", 2)]


def test_utterances_are_inside_of_the_window_whatever_their_conversation(table: Table) -> None:
    table.insert(ROW)
    fields = "utterance_request_id, utterance_text, utterance_missed, utterance_intent, utterance_slot"
    rows = [("1", "x", False, "A", ""), ("2", "y", True, "", "City"), ("3", "z", False, "B", "")]
    assert selected(table, UTTERANCES, fields) == rows
    assert selected(table, UTTERANCES, fields, after=NOW - 3_600_000, before=NOW - 3_540_000) == rows[1:2]


@pytest.mark.parametrize("early", [0, 1, HOUR - 1, HOUR, HOUR + 1, 400 * DAY_MS])
def test_utterances_are_found_however_early_their_conversation_began(table: Table, early: int) -> None:
    after = NOW - HOUR
    row = msgspec.structs.replace(ROW, start=after - early, utterance_times=(after - early, after, after + 1))
    ended = msgspec.structs.replace(row, session_id="ended", end=after, utterance_times=(after - early, after, after))
    table.insert(row, ended)
    assert selected(table, UTTERANCES, "session_id, utterance_text", after=after) == [("session-0", "z")]


def test_conditions_hold_for_conversations_or_for_their_items(table: Table) -> None:
    table.insert(ROW, conversation(1, locale_id="de_DE", visit_intents=("B",), visit_levels=(1,), visit_states=("",)))
    english = SqlFragment("locale_id = {locale:String}", {"locale": "en_US"})
    second = SqlFragment("visit_intent = {intent:String}", {"intent": "B"}, on_item=True)
    assert selected(table, VISITS, "session_id, visit_level", second) == [("session-0", 2), ("session-1", 1)]
    assert selected(table, VISITS, "session_id, visit_level", second, english) == [("session-0", 2)]


def test_only_arrays_that_are_used_are_joined() -> None:
    assert VISITS.from_where([], "count()").endswith("ARRAY JOIN visit_levels AS visit_level")
    of_state = SqlFragment("visit_state != ''", {}, on_item=True)
    joined = VISITS.from_where([of_state], "visit_intent")
    assert "ARRAY JOIN visit_intents AS visit_intent, visit_states AS visit_state\n" in joined
