"""Find the log entries of the usual inputs fast; what takes the way of every input form is left to `unwrap`.

An envelope of fifty entries takes a third of the time here: each entry is only checked, not decoded to a turn.
"""

from collections.abc import Sequence

import msgspec

from pipeline.ingest.decode import session_of
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.files.gzip_stream import GZIP, PADDING
from pipeline.ingest.unwrap.budget import ENTRIES, Budget, BudgetError

KeyedEntry = tuple[str, bytes]
"""The session id of a log entry, and its bytes as received."""

MEMBERS_BYTES = 4096
"""Bytes that hold the members of an envelope before its entries: names of a group, a stream and filters."""


class _LogEvent(msgspec.Struct, gc=False):
    message: str


class _Envelope(msgspec.Struct, rename="camel", gc=False):
    message_type: str
    log_events: list[_LogEvent]


_envelope = msgspec.json.Decoder(_Envelope)


def quick_entries(raw: bytes, decoder: EventDecoder) -> list[KeyedEntry] | None:
    """Return the entries in `raw`, in order, if it holds Lex V2 entries and nothing else; else None.

    It may be an entry, entries in lines or without anything between them, or a CloudWatch Logs envelope; gzip or not.
    None also means that entries are redacted, or that the input is beyond a limit.
    """
    if decoder.redaction is not None or len(raw) > decoder.message_bytes:
        return None
    if raw.startswith(GZIP):
        try:
            raw, problem = Budget(decoder.message_bytes).gunzip(raw)
        except BudgetError:
            return None
        if problem:
            return None
    if session := session_of(raw, decoder.event_bytes):
        return [(session, raw)]
    texts = _messages(raw) or _texts(raw)
    return None if texts is None or len(texts) > ENTRIES else _keyed(texts, decoder.event_bytes)


def _messages(raw: bytes) -> Sequence[bytes] | None:
    if not raw.startswith(b"{") or b'"logEvents"' not in raw[:MEMBERS_BYTES]:
        return None
    try:
        envelope = _envelope.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if envelope.message_type != "DATA_MESSAGE":
        return None
    return [event.message.encode() for event in envelope.log_events]


def _texts(raw: bytes) -> Sequence[bytes] | None:
    """Split entries at line ends, or where one follows another: `}{"` occurs in no JSON text but at a string's end.

    Where the split is wrong, a part is no entry.
    """
    if not raw.startswith(b"{"):
        return None
    lines = raw.replace(b'}{"', b'}\n{"').split(b"\n")
    return [text for line in lines if (text := line.strip(PADDING))]


def _keyed(texts: Sequence[bytes], max_bytes: int) -> list[KeyedEntry] | None:
    entries: list[KeyedEntry] = []
    for text in texts:
        session = session_of(text, max_bytes)
        if session is None:
            return None
        entries.append((session, text))
    return entries
