"""Scan a statement for what the server must know: its kind, its output format, and where its data begin."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_TOKEN = re.compile(
    rb"""
    (?P<space> [\s\0]+ | --[^\n]* | \#[!\ ][^\n]* | /\*.*?\*/ )
  | (?P<quoted> '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*` | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
      | \xe2\x80\x98.*?\xe2\x80\x99 | \xe2\x80\x9c.*?\xe2\x80\x9d )  # typographic ones are quotes, too
  | (?P<word> [A-Za-z_]\w* )
  | (?P<number> \d\w* )
  | (?P<mark> [^'"`] )
    """,
    re.VERBOSE | re.DOTALL,
)
_DATA = re.compile(rb"[ \t\f]*;?[ \t\f]*\r?\n?")
_RETURNS_ROWS = {
    b"SELECT", b"WITH", b"FROM", b"(", b"VALUES", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN",
    b"CHECK",
}  # fmt: skip
_READS = {*_RETURNS_ROWS, b"SET", b"USE"}
_SESSION_ONLY = {b"SET", b"USE"}
_TAG = b"Settings['log_comment']"
"""The column of `system.processes` that holds the tag of a statement, in place of the client's query_id."""
_QUERY_ID = re.compile(
    rb"('(?:[^'\\]|\\.)*'|--[^\n]*)|\b(?:initial_)?query_id\b|[`\"](?:initial_)?query_id[`\"]", re.DOTALL
)
_INPUT = re.compile(rb"(?i)\binput\s*\(\s*'")
_WITHOUT_DATA = {b"SELECT", b"WITH", b"FROM", b"EXPLAIN", b"WATCH"}


class Token(NamedTuple):
    """One word, quoted text, number or mark outside of all brackets."""

    text: bytes
    word: bytes
    """The text in upper case if it is a word, else empty."""
    start: int
    end: int


class StatementKind(NamedTuple):
    """The properties of a statement that decide how it is run."""

    empty: bool = False
    """It has no tokens."""
    multiple: bool = False
    """It is more than one statement."""
    reads: bool = False
    """It changes nothing that outlives it."""
    kills: bool = False
    """It is a KILL QUERY."""
    reads_input: bool = False
    """It is an INSERT that selects from the data after it (`input()`)."""
    session_only: bool = False
    """Its only effect is on a session."""
    returns_rows: bool = False
    """It returns rows, perhaps none."""
    output_format: str = ""
    """The format that its text names, or empty."""


class InsertStatement(NamedTuple):
    """An INSERT with its data after it."""

    target: bytes
    """`INSERT INTO t (a, b)`."""
    settings: bytes
    """`SETTINGS a = 1`, or empty."""
    input_format: str
    """The format of the data."""
    data: int
    """The index in the text at which the data begin."""


def classify(sql: bytes) -> StatementKind:
    """Return the kind of a statement."""
    tokens = list(tokenize(sql))
    while tokens and tokens[-1].text == b";":
        tokens.pop()
    first = (tokens[0].word or tokens[0].text) if tokens else b""
    return StatementKind(
        empty=not tokens,
        multiple=any(token.text == b";" for token in tokens),
        reads=first in _READS,
        kills=first == b"KILL",
        reads_input=first == b"INSERT" and _INPUT.search(sql) is not None,
        session_only=first in _SESSION_ONLY or _creates_temporary_table(tokens),
        returns_rows=first in _RETURNS_ROWS,
        output_format=_output_format(tokens),
    )


def kill_by_tag(kill: bytes) -> bytes:
    """Rewrite a KILL QUERY so that `query_id` means the ids of clients: the engine assigns other ids."""
    return _QUERY_ID.sub(lambda match: match[1] or _TAG, kill)


def _creates_temporary_table(tokens: list[Token]) -> bool:
    words = [token.word for token in tokens[:5]]
    return words[:1] == [b"CREATE"] and (b"TEMPORARY", b"TABLE") in pairwise(words)


def split_insert(sql: bytes, *, whole: bool) -> InsertStatement | None:
    """Split an INSERT from its data; return None if `sql` is another statement or its data have not begun yet.

    Args:
        sql: the text, or its beginning.
        whole: whether `sql` is all of it.
    """
    scan = tokenize(sql)
    if next(scan, _NOTHING).word != b"INSERT":
        return None
    next((token for token in scan if token.word not in {b"INTO", b"TABLE", b"FUNCTION"}), None)  # the name
    before = _NOTHING
    settings: int | None = None
    for token in scan:
        if before.text == b".":
            before = _NOTHING  # part of the table name, even if it is a keyword
            continue
        if token.word in _WITHOUT_DATA:
            return None
        if token.word == b"SETTINGS":
            settings = token.start
        elif token.word == b"VALUES" and (whole or token.end < len(sql)):
            return _insert(sql, settings, token.start, "Values", token.end)
        elif before.word == b"FORMAT" and token.word:
            data = match.end() if (match := _DATA.match(sql, token.end)) else token.end
            if whole or data < len(sql):
                return _insert(sql, settings, before.start, token.text.decode(), data)
        before = token
    return None


def tokenize(sql: bytes) -> Iterator[Token]:
    """Yield the tokens outside of all brackets, opening brackets included; stop at a quote that is not closed."""
    depth = at = 0
    while match := _TOKEN.match(sql, at):
        start, at = match.span()
        text = match[0]
        if match["space"] is not None:
            continue
        if text in {b")", b"]", b"}"}:
            depth -= 1
        elif depth == 0:
            yield Token(text, text.upper() if match["word"] is not None else b"", start, at)
        if text in {b"(", b"[", b"{"}:
            depth += 1


_NOTHING = Token(b"", b"", 0, 0)


def _insert(sql: bytes, settings: int | None, head: int, input_format: str, data: int) -> InsertStatement:
    target = head if settings is None else settings
    return InsertStatement(sql[:target], sql[target:head], input_format, data)


def _output_format(tokens: list[Token]) -> str:
    for index, (keyword, name) in reversed(list(enumerate(pairwise(tokens)))):
        after = tokens[index + 2].word if index + 2 < len(tokens) else b"SETTINGS"
        if keyword.word == b"FORMAT" and name.word and after == b"SETTINGS":
            return name.text.decode()
    return ""
