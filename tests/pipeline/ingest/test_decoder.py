"""Inputs are kept byte for byte unless they are redacted, and never beyond their limits."""

import gzip

import orjson
import pytest
from hypothesis import given
from hypothesis import settings as budget

from pipeline.config.settings import Settings
from pipeline.ingest.decode import decode_entry
from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.redaction.allowlist import MARKS
from pipeline.ingest.unwrap.contents import Unreadable
from pipeline.runtime.errors import InvalidEventError, Reason
from tests.events import raw
from tests.pipeline.ingest.generated_entries import entries, redacting

PLAIN = EventDecoder.of(Settings())
MASKING = EventDecoder.of(Settings(redact_transcripts="mask"))
BROKEN = InvalidEventError(Reason.BAD_VERSION, "messageVersion, where 2.x is known", "my secret")


@given(entries())
def test_where_nothing_is_redacted_all_is_kept_byte_for_byte(entry: bytes) -> None:
    assert PLAIN.redaction is None
    turn, kept = PLAIN.decode(entry)
    assert kept is entry
    assert turn == decode_entry(entry, len(entry))
    assert PLAIN.redact_dead_letter(BROKEN, entry) == (BROKEN, entry)
    assert PLAIN.redact_error(BROKEN) is BROKEN


@given(entries(), redacting)
@budget(deadline=None)
def test_read_again_it_is_kept_as_it_is(entry: bytes, settings: Settings) -> None:
    reading = EventDecoder.of(settings)
    turn, kept = reading.decode(entry)
    assert reading.decode(kept) == (turn, kept)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(redact_transcripts="drop"),
        Settings(redact_slots=("City",)),
        Settings(redact_obfuscated=True),
        Settings(redact_attributes=("*",)),
        Settings(redact_patterns=("email",)),
    ],
)
def test_any_of_the_settings_makes_it_redact(settings: Settings) -> None:
    assert EventDecoder.of(settings).redaction is not None


def test_the_country_of_phones_alone_redacts_nothing() -> None:
    assert EventDecoder.of(Settings(redact_phone_region="DE")).redaction is None


def test_an_entry_that_only_its_marks_make_too_large_is_a_dead_letter() -> None:
    """Else it would be archived, and lost when the archive is read again."""
    entry = raw(inputTranscript="x")
    reading = EventDecoder(10_000, len(entry), MASKING.redaction)
    with pytest.raises(InvalidEventError, match="bytes after redaction") as caught:
        reading.decode(entry)
    assert caught.value.reason is Reason.TOO_LARGE
    (found,) = read_entries(entry, reading)
    assert isinstance(found, Unreadable)


def test_a_dead_letter_that_would_not_fit_in_a_message_is_replaced() -> None:
    many = orjson.dumps({"messages": [{"content": "x"}] * 50})
    reading = EventDecoder(len(many), 100, MASKING.redaction)
    told, kept = reading.redact_dead_letter(BROKEN, many)
    assert orjson.loads(kept) == {MARKS: ["payload"], "bytes": len(many)}
    assert "secret" not in str(told)
    fitting = EventDecoder(10_000, 100, MASKING.redaction).redact_dead_letter(BROKEN, many)[1]
    assert len(orjson.loads(fitting)["messages"]) == 50


@pytest.mark.parametrize("packed", [False, True])
def test_errors_of_redacted_inputs_quote_nothing(packed: bool) -> None:  # noqa: FBT001 - pytest's
    entry = raw(timestamp="my secret")
    events = [{"message": entry.decode()}, {"message": raw(inputTranscript="my secret").decode()}]
    data = orjson.dumps({"messageType": "DATA_MESSAGE", "logEvents": events})
    dead, valid = read_entries(gzip.compress(data) if packed else data, MASKING)
    assert isinstance(dead, Unreadable)
    assert "secret" not in str(MASKING.redact_error(dead.invalid))
    assert not isinstance(valid, Unreadable)
    assert b"secret" not in valid[1]
    (news,) = read_entries(orjson.dumps({"messageType": "my secret", "logEvents": []}), MASKING)
    assert isinstance(news, Unreadable)
    assert "secret" not in str(MASKING.redact_error(news.invalid))
