"""Redaction removes what it should, changes nothing that is folded, is idempotent, and takes linear time."""

import base64
import gzip
import json
import time
from pathlib import Path
from typing import Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import MARKS, PLAUSIBLE
from pipeline.ingest.redaction.masking import MASK
from pipeline.ingest.redaction.redactor import Redactor
from pipeline.runtime.errors import InvalidEventError, Reason
from schemas.turn import Turn
from tests.events import raw
from tests.paths import FIXTURES
from tests.pipeline.ingest.generated_entries import CARD, EMAIL, PHONE, anything, entries, redacting
from tests.pipeline.ingest.redactable_entries import SAID, envelope, folded, kept, v1, v2

ENTRIES = sorted(FIXTURES.glob("*.json"))
LIMIT = 1_048_576
PATTERNS: tuple[Literal["card", "email", "phone"], ...] = ("card", "email", "phone")
EVERYTHING = Settings(
    redact_transcripts="mask",
    redact_slots=("*",),
    redact_obfuscated=True,
    redact_attributes=("*",),
    redact_patterns=PATTERNS,
)
FIELDS = Redactor(Settings(redact_transcripts="mask"))
ONLY_PATTERNS = Redactor(Settings(redact_patterns=PATTERNS))


def decoded(data: bytes) -> Turn | Reason:
    try:
        return folded(data, LIMIT)
    except InvalidEventError as invalid:
        return invalid.reason


def packed(text: bytes) -> bytes:
    """The same at any time."""
    return gzip.compress(text, mtime=0)


class TestEntries:
    @given(entries(), redacting)
    @budget(deadline=None)
    def test_redacted_again_it_is_the_same(self, entry: bytes, settings: Settings) -> None:
        once = Redactor(settings).redact_entry(entry)
        assert Redactor(settings).redact_entry(once) == once

    @given(entries(), redacting)
    @budget(deadline=None)
    def test_turns_are_folded_as_before(self, entry: bytes, settings: Settings) -> None:
        assert folded(Redactor(settings).redact_entry(entry), 2 * LIMIT) == folded(entry, LIMIT)

    @pytest.mark.parametrize("path", ENTRIES, ids=lambda path: path.stem)
    def test_entries_as_they_are_logged_stay_what_they_are(self, path: Path) -> None:
        data = path.read_bytes()
        verdict = decoded(data)
        redaction = Redactor(EVERYTHING)
        once = redaction.redact_dead_letter(data)
        assert decoded(once) == verdict
        assert redaction.redact_dead_letter(once) == once

    def test_patterns_are_masked_in_everything_but_what_says_whose_it_is(self) -> None:
        text = f"{CARD} {EMAIL} {PHONE}"
        entry = v2(
            sessionId=PHONE,
            inputTranscript=text,
            unknown={"bot": {"id": text}, "deep": [[text]], "card": 4111111111111111, "n": 4111111},
        )
        entry["sessionState"]["sessionAttributes"] = {EMAIL: text, "requestId": text}
        found = kept(entry, redact_patterns=PATTERNS)
        masked = "[card] [email] [phone]"
        assert found["inputTranscript"] == masked
        assert found["unknown"] == {"bot": {"id": masked}, "deep": [[masked]], "card": "[card]", "n": 4111111}
        assert found["sessionState"]["sessionAttributes"] == {"[email]": masked, "requestId": masked}
        assert found["sessionId"] == PHONE
        assert {"pattern.card", "pattern.email", "pattern.phone"} < {*found[MARKS]}

    def test_names_that_hold_a_pattern_are_masked_in_marks_too(self) -> None:
        entry = v1(sessionAttributes={EMAIL: "secret"})
        found = kept(entry, redact_attributes=("*",), redact_patterns=PATTERNS)
        assert found["sessionAttributes"] == {"[email]": MASK}
        assert "[email]" in found[MARKS]
        assert EMAIL not in json.dumps(found)

    def test_marks_are_added_to_those_that_are_there(self) -> None:
        once = kept(v1(), redact_slots=("City",))
        twice = kept(once, redact_transcripts="mask")
        assert twice[MARKS] == sorted({*once[MARKS], *twice[MARKS]})
        assert {"slots.City", "inputTranscript"} < {*twice[MARKS]}
        for forged in ("x", 5, [5, "x"], {"a": 1}):
            found = kept(v1(**{MARKS: forged}), redact_transcripts="mask")
            assert "inputTranscript" in found[MARKS]
            assert set(map(type, found[MARKS])) == {str}

    def test_an_entry_with_nothing_to_redact_has_no_mark(self) -> None:
        entry = v1(inputTranscript="", botResponse="", responseCard=None, kendraResponse=None)
        assert kept(entry, redact_transcripts="mask") == entry

    def test_unused_numbers_keep_their_digits(self) -> None:
        entry = raw()[:-1] + b',"far":1e999,"long":123456789012345678901234567890,"same":1.10}'
        found = FIELDS.redact_entry(entry)
        assert b'"far":1e999,"long":123456789012345678901234567890,"same":1.10' in found

    def test_of_members_that_come_twice_the_one_that_counts_is_kept(self) -> None:
        entry = raw()[:-1] + b',"inputTranscript":"one","x":{"y":"4111111111111111","y":"z"}}'
        entry = entry.replace(b'"inputTranscript":"I want a room"', b'"inputTranscript":"4111111111111111"')
        found = ONLY_PATTERNS.redact_entry(entry)
        assert b"4111" not in found
        assert folded(found, LIMIT) == folded(entry, LIMIT)

    def test_levels_upon_levels_are_looked_through(self) -> None:
        deep = raw()[:-1] + b',"deep":' + b'[{"inputTranscript":"alpha said","x":' * 90 + b"0" + b"}]" * 90 + b"}"
        assert b"alpha" not in FIELDS.redact_entry(deep)
        deeper = raw()[:-1] + b',"deep":' + b"[" * 5000 + b"]" * 5000 + b"}"
        with pytest.raises(InvalidEventError, match="too-deep"):
            FIELDS.redact_entry(deeper)


class TestLetters:
    @given(
        st.binary(max_size=80) | anything.map(lambda value: json.dumps(value).encode()),
        redacting,
    )
    @budget(deadline=None)
    def test_any_bytes_can_be_kept_and_kept_again(self, data: bytes, settings: Settings) -> None:
        once = Redactor(settings).redact_dead_letter(data)
        assert Redactor(settings).redact_dead_letter(once) == once

    @given(entries(), st.integers(0, 400))
    @budget(deadline=None)
    def test_of_a_text_that_is_cut_off_only_the_size_is_kept(self, entry: bytes, cut: int) -> None:
        broken = entry[: -1 - cut]
        assert orjson.loads(FIELDS.redact_dead_letter(broken)) == {MARKS: ["payload"], "bytes": len(broken)}

    @pytest.mark.parametrize(
        "data",
        [
            b"alpha said",
            b'"alpha said"',
            b"alpha said\xff",
            packed(b"x"),
            raw() + raw(),
            b"\xef\xbb\xbf{}",
        ],
    )
    def test_if_fields_are_hidden_only_the_size_is_kept_of_other_input_than_objects(self, data: bytes) -> None:
        assert orjson.loads(FIELDS.redact_dead_letter(data)) == {MARKS: ["payload"], "bytes": len(data)}

    def test_only_patterns_are_masked_in_what_is_text(self) -> None:
        broken = f'{{"text":"{CARD}\\n4155550100 {EMAIL}'.encode()
        assert ONLY_PATTERNS.redact_dead_letter(broken) == b'{"text":"[card]\\n[phone] [email]'
        assert ONLY_PATTERNS.redact_dead_letter(b"[] [") == b"[] ["

    @pytest.mark.parametrize(
        "data",
        [
            packed(raw()),
            base64.b64encode(packed(raw()))[:-3],
            b'{"awslogs":{"data":"H4sIAAAA',
            b"\xff",
        ],
    )
    def test_what_hides_its_content_is_not_kept_even_then(self, data: bytes) -> None:
        assert orjson.loads(ONLY_PATTERNS.redact_dead_letter(data)) == {MARKS: ["payload"], "bytes": len(data)}

    @pytest.mark.parametrize("redaction", [FIELDS, ONLY_PATTERNS])
    @pytest.mark.parametrize("data", [b"", b" \n"])
    def test_nothing_is_kept_of_nothing(self, redaction: Redactor, data: bytes) -> None:
        assert redaction.redact_dead_letter(data) == data

    def test_json_of_any_shape_is_gone_through(self) -> None:
        entry = orjson.dumps({"wrapped": [v2(), {"any": v1()}], "log": orjson.dumps(v2()).decode()})
        found = FIELDS.redact_dead_letter(entry)
        assert not [planted for planted in SAID.values() if planted.encode() in found]
        assert {"inputTranscript", "botResponse"} < {*orjson.loads(found)[MARKS]}
        listed = orjson.loads(FIELDS.redact_dead_letter(orjson.dumps([v1(), 5, {}])))
        assert [each.get(MARKS) is not None for each in (listed[0], listed[2])] == [True, True]

    @pytest.mark.parametrize("member", ["requestId", "bot", "timestamp", "locale"])
    def test_objects_are_gone_through_where_an_id_should_be(self, member: str) -> None:
        for wrong in ({"inputTranscript": "alpha said"}, [[{"inputTranscript": "alpha said"}]]):
            assert b"alpha" not in FIELDS.redact_dead_letter(orjson.dumps(v1(**{member: wrong})))

    @pytest.mark.parametrize("member", PLAUSIBLE)
    def test_what_an_input_may_be_dead_for_may_hold_anything(self, member: str) -> None:
        for data in (orjson.dumps(v1(**{member: EMAIL})), orjson.dumps([v1(**{member: EMAIL})])):
            assert EMAIL.encode() not in ONLY_PATTERNS.redact_dead_letter(data)
            hidden = FIELDS.redact_dead_letter(data)
            assert EMAIL.encode() not in hidden
            assert hidden.count(f'"{member}"'.encode()) == 2, "the member, and the mark of it"
        inside = orjson.loads(FIELDS.redact_dead_letter(envelope(orjson.dumps(v1(**{member: EMAIL})))))["logEvents"][0][
            "message"
        ]
        assert orjson.loads(inside)[member] == MASK
        kind = orjson.loads(FIELDS.redact_dead_letter(envelope(messageType="DATA_MESSAGE")))
        assert kind["messageType"] == "DATA_MESSAGE"

    @pytest.mark.parametrize("time", ["2026-02-30T00:00:00Z", "2026-02-03T00:00:00", "1969-12-31T23:59:59.999+02:00"])
    def test_an_invalid_time_is_kept_if_it_can_be_nothing_else(self, time: str) -> None:
        assert orjson.loads(FIELDS.redact_dead_letter(raw(timestamp=time)))["timestamp"] == time

    def test_a_redacted_dead_letter_is_folded_as_before(self) -> None:
        """An entry too large for one worker is one for another."""
        data = orjson.dumps(v2())
        assert folded(FIELDS.redact_dead_letter(data), LIMIT) == folded(data, LIMIT)


@pytest.mark.parametrize(
    "data",
    [
        raw(timestamp="alpha said"),
        raw(timestamp="2026-02-30T00:00:00"),
        raw(timestamp="1969-12-31T23:59:59Z"),
        raw(messageVersion="alpha said"),
        raw(requestId={"alpha said": "alpha said"}),
        b'{"alpha said',
    ],
)
def test_no_error_quotes_the_input(data: bytes) -> None:
    with pytest.raises(InvalidEventError) as caught:
        folded(data, LIMIT)
    told = FIELDS.redact_error(caught.value)
    assert told.reason is caught.value.reason
    assert told.detail
    for quoted in ("alpha", "02-30", "1969"):
        assert quoted not in str(told)


SMALL, TIMES = 3_000, 8
MUCH = 3 * TIMES
"""Eight times the text may take three times what it should, as machines differ; of a square it would be 64."""

HOSTILE = [
    "1/", "2/", "0/3/0/9/", "4", "4111111111111112 ", "41111111111111115500000000000004", "@", "a@", "a@b", "+", "+1",
    "+1415", ".", "a.", "-", "(", '"', "%", "%34", "&", "&#49;", "&#", "\\u0031", "\\", " ", "dot ", "a at b dot ",
    "(at)", "\N{ARABIC-INDIC DIGIT FOUR} ", "\N{SOFT HYPHEN}", "1\N{SOFT HYPHEN}", "20260314", "2026-03-14 ", "1     ",
    "12345678-1234-4111-8111-111111111111", "[card]", "[redacted]", "{", "[", "x", "415 555 2671 ",
]  # fmt: skip


def seconds(redaction: Redactor, entry: bytes) -> float:
    """Of the processor's time: the lesser of two."""
    found = []
    for _ in range(2):
        began = time.process_time()
        redaction.redact_entry(entry)
        found.append(time.process_time() - began)
    return min(found)


def ratio(redaction: Redactor, small: bytes, large: bytes) -> float:
    return seconds(redaction, large) / max(seconds(redaction, small), 0.0005)


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_text_takes_as_long_as_it_is(unit: str) -> None:
    redaction = Redactor(Settings(redact_patterns=PATTERNS))
    small, large = ((unit * size)[:size] for size in (SMALL, TIMES * SMALL))
    assert ratio(redaction, *(orjson.dumps(v1(inputTranscript=text)) for text in (small, large))) < MUCH


@pytest.mark.parametrize(
    "item", ["4", "4111", 4, 4111, "415", "x", {"v": "4111"}, {"part1": "41", "part2": "11"}, ["4"]]
)
def test_many_items_take_as_long_as_there_are(item: object) -> None:
    redaction = Redactor(Settings(redact_patterns=PATTERNS))
    small, large = (orjson.dumps(v1(items=[item] * count)) for count in (SMALL // 10, TIMES * SMALL // 10))
    assert ratio(redaction, small, large) < MUCH


@pytest.mark.parametrize("value", ["a", "ab", "abcd", "12345", "1 2 3 4", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"])
def test_a_value_is_looked_for_as_long_as_the_text_is(value: str) -> None:
    redaction = Redactor(Settings(redact_slots=("*",)))
    small, large = (
        orjson.dumps(v1(slots={"Pin": value}, inputTranscript=f"{value} " * (size // len(value))))
        for size in (SMALL, TIMES * SMALL)
    )
    assert ratio(redaction, small, large) < MUCH


def test_names_take_as_long_as_they_are() -> None:
    redaction = Redactor(Settings(redact_patterns=PATTERNS))
    small, large = (
        orjson.dumps(v1(names={f"ann{n}@example.com": n for n in range(count)} | {"1/" * count: 1}))
        for count in (SMALL // 10, TIMES * SMALL // 10)
    )
    assert ratio(redaction, small, large) < MUCH
