"""The text of a statement in; what must be known of it out: its kind, its format, where its data begin."""

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
_ANSWERING = {
    b"SELECT", b"WITH", b"FROM", b"(", b"VALUES", b"SHOW", b"DESCRIBE", b"DESC", b"EXISTS", b"EXPLAIN",
    b"CHECK",
}  # fmt: skip
_READING = {*_ANSWERING, b"SET", b"USE"}
_OF_A_SESSION = {b"SET", b"USE"}
_TAG = b"Settings['log_comment']"
"""By what a running statement is known in the engine, where its client's query_id stands."""
_QUERY_ID = re.compile(
    rb"('(?:[^'\\]|\\.)*'|--[^\n]*)|\b(?:initial_)?query_id\b|[`\"](?:initial_)?query_id[`\"]", re.DOTALL
)
_INPUT = re.compile(rb"(?i)\binput\s*\(\s*'")
_WITHOUT_DATA = {b"SELECT", b"WITH", b"FROM", b"EXPLAIN", b"WATCH"}


class Token(NamedTuple):
    """One word, quoted text, number or mark outside of all brackets."""

    text: bytes
    word: bytes
    """The same in capitals; empty if it is no word."""
    start: int
    end: int


class StatementShape(NamedTuple):
    """What a statement is, its data aside."""

    empty: bool = False
    """It has no words."""
    several: bool = False
    """It is more than one statement."""
    reads: bool = False
    """It changes nothing that outlives it."""
    kills: bool = False
    """It is a KILL QUERY."""
    takes_input: bool = False
    """It is an INSERT that selects from the data that follow it."""
    of_a_session: bool = False
    """All that it does is to be remembered by a session."""
    answers: bool = False
    """It answers rows, though perhaps none."""
    output_format: str = ""
    """The format that it asks for itself."""


class Insert(NamedTuple):
    """An INSERT whose data follow it."""

    target: bytes
    """`INSERT INTO t (a, b)`."""
    settings: bytes
    """`SETTINGS a = 1`, or empty."""
    input_format: str
    """The format of the data."""
    data: int
    """Where in the text the data begin."""


def shape(sql: bytes) -> StatementShape:
    """What kind of statement `sql` is."""
    seen = list(tokens(sql))
    while seen and seen[-1].text == b";":
        seen.pop()
    first = (seen[0].word or seen[0].text) if seen else b""
    return StatementShape(
        empty=not seen,
        several=any(token.text == b";" for token in seen),
        reads=first in _READING,
        kills=first == b"KILL",
        takes_input=first == b"INSERT" and _INPUT.search(sql) is not None,
        of_a_session=first in _OF_A_SESSION or _makes_temporary(seen),
        answers=first in _ANSWERING,
        output_format=_output_format(seen),
    )


def by_tags(kill: bytes) -> bytes:
    """The KILL QUERY that means by `query_id` the ids that clients gave: the engine has ids of its own."""
    return _QUERY_ID.sub(lambda found: found[1] or _TAG, kill)


def _makes_temporary(seen: list[Token]) -> bool:
    words = [token.word for token in seen[:5]]
    return words[:1] == [b"CREATE"] and (b"TEMPORARY", b"TABLE") in pairwise(words)


def split_insert(sql: bytes, *, whole: bool) -> Insert | None:
    """The INSERT that `sql` is, or None where it is something else or its data are not in sight yet.

    Args:
        sql: the text, or its beginning.
        whole: nothing follows it.
    """
    scan = tokens(sql)
    if next(scan, _NOTHING).word != b"INSERT":
        return None
    next((token for token in scan if token.word not in {b"INTO", b"TABLE", b"FUNCTION"}), None)  # the name
    before = _NOTHING
    settings: int | None = None
    for token in scan:
        if before.text == b".":
            before = _NOTHING  # a part of the name, whatever word it is
            continue
        if token.word in _WITHOUT_DATA:
            return None
        if token.word == b"SETTINGS":
            settings = token.start
        elif token.word == b"VALUES" and (whole or token.end < len(sql)):
            return _insert(sql, settings, token.start, "Values", token.end)
        elif before.word == b"FORMAT" and token.word:
            data = found.end() if (found := _DATA.match(sql, token.end)) else token.end
            if whole or data < len(sql):
                return _insert(sql, settings, before.start, token.text.decode(), data)
        before = token
    return None


def tokens(sql: bytes) -> Iterator[Token]:
    """The tokens outside of all brackets, opening ones among them; ends at a quote that does not close."""
    depth = at = 0
    while found := _TOKEN.match(sql, at):
        start, at = found.span()
        text = found[0]
        if found["space"] is not None:
            continue
        if text in {b")", b"]", b"}"}:
            depth -= 1
        elif depth == 0:
            yield Token(text, text.upper() if found["word"] is not None else b"", start, at)
        if text in {b"(", b"[", b"{"}:
            depth += 1


_NOTHING = Token(b"", b"", 0, 0)


def _insert(sql: bytes, settings: int | None, head: int, input_format: str, data: int) -> Insert:
    target = head if settings is None else settings
    return Insert(sql[:target], sql[target:head], input_format, data)


def _output_format(seen: list[Token]) -> str:
    for index, (keyword, name) in reversed(list(enumerate(pairwise(seen)))):
        after = seen[index + 2].word if index + 2 < len(seen) else b"SETTINGS"
        if keyword.word == b"FORMAT" and name.word and after == b"SETTINGS":
            return name.text.decode()
    return ""
