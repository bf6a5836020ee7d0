"""Log entries of both versions become turns; all other input has a reason, and raises no other error."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.decode import decode_entry
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import mended
from schemas.lex.log_entry import alias_id, bot_id
from tests.events import START, entry, iso, raw
from tests.paths import FIXTURES

LIMIT = 65_536


def reason(data: bytes, limit: int = LIMIT) -> Reason:
    with pytest.raises(InvalidEventError) as caught:
        decode_entry(data, limit)
    assert caught.value.detail, "a dead letter must say what was wrong"
    return caught.value.reason


def test_a_v2_entry_keeps_what_the_fold_and_the_list_need() -> None:
    turn = decode_entry((FIXTURES / "v2-log-dtmf-dashed-version.json").read_bytes(), LIMIT)
    assert turn.key == ("TILLBOT001", "caller-2718", "0d4b7c11-98cd-4a30-b1de-6f00c3aa51f2")
    assert (turn.input_mode, turn.channel, turn.bot_alias_id) == ("DTMF", "Connect", "LIVEALIAS1")
    assert (turn.intent_name, turn.intent_state, turn.dialog_action) == (
        "PayInvoice",
        "InProgress",
        "ElicitSlot",
    )
    assert (turn.response_reason, turn.locale_id, turn.bot_version) == ("UtteranceResponse", "en_GB", "12")


def test_a_missed_first_turn_has_its_own_request_as_origin() -> None:
    turn = decode_entry((FIXTURES / "v2-log-missed-fallback.json").read_bytes(), LIMIT)
    assert turn.request_id == turn.originating_request_id
    assert (turn.missed_utterance, turn.intent_name, turn.bot_version) == (True, "FallbackIntent", "DRAFT")


def test_a_v1_entry_is_mapped_and_gets_derived_ids() -> None:
    turn = decode_entry((FIXTURES / "v1-log-elicit-slot.json").read_bytes(), LIMIT)
    assert turn.key == (bot_id("PlantAdvice"), "gardener-9", "2021-06-01T12:00:00.100Z-QwErTyUi")
    assert turn.bot_alias_id == alias_id("PlantAdvice", "prod")
    assert (turn.channel, turn.locale_id, turn.input_mode) == ("Facebook", "en_US", "Text")
    assert (turn.intent_state, turn.dialog_action) == ("InProgress", "ElicitSlot")


@pytest.mark.parametrize("state", ["Fulfilled", "Failed", "ReadyForFulfillment"])
def test_a_v1_dialog_that_ended_is_closed(state: str) -> None:
    data = orjson.loads((FIXTURES / "v1-log-elicit-slot.json").read_bytes()) | {"dialogState": state}
    turn = decode_entry(orjson.dumps(data), LIMIT)
    assert (turn.intent_state, turn.dialog_action) == (state, "Close")


@pytest.mark.parametrize(
    ("fixture", "expected"),
    [
        ("v1-code-hook.json", Reason.CODE_HOOK),
        ("v2-code-hook-speech.json", Reason.CODE_HOOK),
        ("v2-code-hook-text.json", Reason.CODE_HOOK),
        ("v2-recognize-text-answer.json", Reason.WRONG_SHAPE),
        ("v1-post-text-answers.json", Reason.WRONG_SHAPE),
        ("cloudwatch-envelope.json", Reason.WRONG_SHAPE),
        ("cloudwatch-awslogs.json", Reason.WRONG_SHAPE),
        ("cloudwatch-control-message.json", Reason.WRONG_SHAPE),
    ],
)
def test_look_alikes_of_entries_have_their_reason(fixture: str, expected: Reason) -> None:
    assert reason((FIXTURES / fixture).read_bytes()) is expected


STATE: dict[str, Any] = entry()["sessionState"]
BOT: dict[str, Any] = entry()["bot"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Reason.EMPTY),
        (b" \n", Reason.EMPTY),
        (b"{", Reason.NOT_JSON),
        (raw()[:-9], Reason.NOT_JSON),
        (raw() + b"}", Reason.NOT_JSON),
        (b"[]", Reason.WRONG_SHAPE),
        (b"null", Reason.WRONG_SHAPE),
        (b"[" * 201, Reason.TOO_DEEP),
        (raw()[:-1] + b',"new":' + b"[" * 200 + b"]" * 200 + b"}", Reason.TOO_DEEP),
        (b"\xff\xfe", Reason.NOT_UTF8),
        (raw()[:-1] + b',"new":"\xff"}', Reason.NOT_UTF8),
        (raw(inputTranscript="x" * LIMIT), Reason.TOO_LARGE),
        (raw(requestId=7), Reason.WRONG_SHAPE),
        (raw(requestId=""), Reason.WRONG_SHAPE),
        (raw(sessionId=None), Reason.WRONG_SHAPE),
        (raw(sessionId="s" * 513), Reason.WRONG_SHAPE),
        (raw(bot=BOT | {"id": ""}), Reason.WRONG_SHAPE),
        (raw(bot={"id": "BOTAAAAAA1"}), Reason.WRONG_SHAPE),
        (raw(sessionState={}), Reason.WRONG_SHAPE),
        (raw(sessionState=STATE | {"intent": []}), Reason.WRONG_SHAPE),
        (raw(timestamp=1_780_000_000), Reason.WRONG_SHAPE),
        (raw(timestamp="not a time"), Reason.BAD_TIMESTAMP),
        (raw(timestamp="2026-13-01T00:00:00Z"), Reason.BAD_TIMESTAMP),
        (raw(timestamp="2026-02-30T00:00:00Z"), Reason.BAD_TIMESTAMP),
        (raw(timestamp="2026-02-03T00:00:00"), Reason.BAD_TIMESTAMP),
        (raw(timestamp="1969-12-31T23:59:59.999Z"), Reason.BAD_TIMESTAMP),
        (raw(timestamp="2100-01-01T00:00:00Z"), Reason.BAD_TIMESTAMP),
        (raw(timestamp="0001-01-01T00:00:00+23:59"), Reason.BAD_TIMESTAMP),
        (raw(messageVersion="9.9"), Reason.BAD_VERSION),
        (raw(invocationSource="DialogCodeHook"), Reason.CODE_HOOK),
    ],
)
def test_unreadable_input_has_its_reason(data: bytes, expected: Reason) -> None:
    assert reason(data) is expected


def test_what_may_be_absent_may_be_absent_or_null() -> None:
    lean = {name: entry()[name] for name in ("timestamp", "requestId", "sessionId", "bot", "sessionState")}
    lean["sessionState"] = {"originatingRequestId": "request-1", "intent": None, "dialogAction": None}
    turn = decode_entry(orjson.dumps(lean | {"requestAttributes": None, "responseReason": None}), LIMIT)
    assert (turn.intent_name, turn.channel, turn.input_mode, turn.response_reason) == ("", "", "", "")


@pytest.mark.parametrize("offset", ["+00:00", "+05:30", "-08:00"])
def test_zones_other_than_z_are_read(offset: str) -> None:
    hours, minutes = int(offset[:3]), int(offset[4:]) * (-1 if offset[0] == "-" else 1)
    local = iso(START + (hours * 60 + minutes) * 60_000).removesuffix("Z")
    assert decode_entry(raw(timestamp=local + offset), LIMIT).timestamp == START


@given(st.integers(0, 4_102_444_799_999))
def test_milliseconds_are_exact(moment: int) -> None:
    assert decode_entry(raw(timestamp=iso(moment)), LIMIT).timestamp == moment


@given(st.binary(max_size=200))
def test_any_bytes_are_a_turn_or_a_reason(data: bytes) -> None:
    try:
        decode_entry(data, LIMIT)
    except InvalidEventError:
        return
    pytest.fail("random bytes cannot be an entry")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(entry())), JSON, st.integers(0, 400))
def test_a_damaged_entry_is_a_turn_or_a_reason(member: str, value: object, cut: int) -> None:
    """What passes is whole JSON, so that whoever reads the archive can rely on it."""
    for data in (raw(**{member: value}), raw(**{member: value})[:-cut]):
        try:
            decode_entry(data, LIMIT)
        except InvalidEventError:
            continue
        assert isinstance(orjson.loads(mended(data)), dict)


@given(JSON, st.integers(0, 255), st.integers(0, 10_000))
def test_what_passes_can_be_read_by_any_json_reader(value: object, byte: int, place: int) -> None:
    """A member nobody knows is skipped by the decoder: it must be checked all the same."""
    data = bytearray(raw(unknown=value))
    data[place % len(data)] = byte
    try:
        decode_entry(bytes(data), LIMIT)
    except InvalidEventError:
        return
    orjson.loads(mended(bytes(data)))
