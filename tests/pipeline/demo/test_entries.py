# ruff: noqa: S311 - no secret is made of these numbers
import base64
import gzip
from random import Random

import orjson
import pytest

from pipeline.demo.bots import florist, travel_bot
from pipeline.demo.conversation import DemoConversation, make_conversation
from pipeline.demo.entries import broken_inputs, entry_v1, entry_v2, envelope, iso
from pipeline.ingest.decode import decode_entry
from pipeline.runtime.errors import InvalidEventError
from schemas.lex.log_entry import bot_id
from tests.events import START

LIMIT = 100_000


@pytest.fixture
def travel() -> DemoConversation:
    return make_conversation(Random(5), travel_bot(), 12)


def test_a_v2_entry_says_what_the_turn_was(travel: DemoConversation) -> None:
    for place, step in enumerate(travel.turns):
        turn = decode_entry(entry_v2(travel, place, START + place), LIMIT)
        assert (turn.bot_id, turn.session_id, turn.locale_id) == ("TRAVELBOT1", travel.session_id, travel.locale)
        assert (turn.timestamp, turn.request_id) == (START + place, travel.request_ids[place])
        assert turn.originating_request_id == travel.request_ids[0]
        assert (turn.intent_name, turn.intent_state, turn.dialog_action) == (step.intent, step.state, step.action)
        assert (turn.channel, turn.bot_version, turn.input_mode) == (travel.channel, "12", step.mode)


def test_a_v1_entry_says_it_in_the_old_way() -> None:
    old = make_conversation(Random(5), florist(), 12)
    for place, step in enumerate(old.turns):
        turn = decode_entry(entry_v1(old, place, START + place, START), LIMIT)
        assert (turn.bot_id, turn.bot_name, turn.session_id) == (
            bot_id("CornerFlorist"),
            "CornerFlorist",
            old.session_id,
        )
        assert turn.originating_request_id.startswith(iso(START))
        assert turn.dialog_action == step.action
        assert turn.intent_state == step.state


def test_entries_are_about_as_long_as_real_ones(travel: DemoConversation) -> None:
    sizes = [len(entry_v2(travel, place, START)) for place in range(len(travel.turns))]
    assert 1000 < sum(sizes) / len(sizes) < 2500


def test_an_envelope_carries_its_entries_as_they_are(travel: DemoConversation) -> None:
    entries = [entry_v2(travel, place, START) for place in range(len(travel.turns))]
    packed = base64.b64decode(orjson.loads(envelope(entries, START))["awslogs"]["data"])
    assert [event["message"].encode() for event in orjson.loads(gzip.decompress(packed))["logEvents"]] == entries
    assert envelope(entries, START) == envelope(entries, START)


def test_broken_inputs_are_broken_each_in_its_own_way(travel: DemoConversation) -> None:
    reasons = set()
    for raw in broken_inputs(entry_v2(travel, 0, START)):
        with pytest.raises(InvalidEventError) as invalid:
            decode_entry(raw, LIMIT)
        reasons.add(invalid.value.reason)
    assert len(reasons) >= 3


def test_times_are_written_as_lex_writes_them() -> None:
    assert iso(1_662_347_502_073) == "2022-09-05T03:11:42.073Z"
