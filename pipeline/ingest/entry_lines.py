"""Find lines that are Lex V2 log entries, a block at a time: most files hold nothing else.

A line passes only if the way of every input form would send it unchanged, under the same key; what does not pass is
left to that way. So the two agree, whatever the lines are.
"""

from datetime import datetime

import msgspec

from pipeline.ingest.decode import is_log_entry
from pipeline.ingest.files.entry_runs import EntryLines
from pipeline.ingest.files.json_splitter import BLANKS, PIECE_BYTES
from pipeline.runtime.json_depth import MAX_DEPTH
from schemas.lex.log_entry import LogEntry

YEARS = range(1971, 2099)
"""Years whose times are valid in every time zone."""
_ABSENT = msgspec.Raw()


class _Entry(LogEntry, gc=False):
    """A log entry; a member `botName` makes it one of Lex V1."""

    bot_name: msgspec.Raw = _ABSENT


_entry = msgspec.json.Decoder(_Entry)


def find_entry_lines(block: bytes, max_bytes: int) -> EntryLines:
    """Return the lines at the beginning of `block` that are Lex V2 entries of at most `max_bytes`."""
    keys: list[bytes] = []
    texts: list[bytes] = []
    try:
        _ = block.isascii() or block.decode()  # the decoder does not validate members that it skips
    except UnicodeDecodeError:
        return EntryLines(keys, texts, 0)
    size, limit = 0, min(max_bytes, PIECE_BYTES)
    for line in block.split(b"\n"):
        text = line.rstrip(BLANKS)
        if text[:1] != b"{" or len(text) > limit:
            break
        if len(text) - len(text.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH:
            break
        try:
            entry = _entry.decode(text)
            moment = datetime.fromisoformat(entry.timestamp)
        except ValueError:  # msgspec's errors are ValueErrors, too
            break
        if moment.tzinfo is None or moment.year not in YEARS or not _is_plain(entry):
            break
        keys.append(entry.session_id.encode())
        texts.append(text)
        size += len(line) + 1
    return EntryLines(keys, texts, size)


def _is_plain(entry: _Entry) -> bool:
    return entry.bot_name is _ABSENT and is_log_entry(entry)
