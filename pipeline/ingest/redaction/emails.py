"""Find e-mail addresses in a text, also with blanks in them, or with words for @ and the dot."""

import re
from collections.abc import Iterator

LOCAL, LABEL = r"[\w.!#$%&'*+/=?^`{|}~-]", r"[\w-]++"
_QUOTED = r'"(?:\\.|[^"\\\n]){1,64}+"'
_BLANK_DOT = r"(?:\s{1,3}\.\s{0,3}|\.\s{1,3}(?=(?:com|org|net|edu|gov|info|biz|io|co|uk|fr|nl|example)\b))"
"""A full stop without a blank before it ends a sentence, unless a known domain follows."""
_DOMAIN = rf"{LABEL}(?:(?:\.{LABEL})++|(?:{_BLANK_DOT}{LABEL})++)"

ADDRESS = re.compile(
    rf"""(?: (?<!{LOCAL}) {LOCAL}++ | {_QUOTED} ) \s{{0,3}} @ \s{{0,3}} (?: {_DOMAIN} | \[[\d.:a-fA-F]++\] )""",
    re.VERBOSE,
)
"""Matches in time linear in the text."""

SPELLED = re.compile(r"dot|[(\[{<]\s{0,3}(?:at|@)", re.IGNORECASE)
"""Text without a match has no spelled address."""
_AT = r"(?: \s{0,3} [(\[{<] \s{0,3} (?:at|@) \s{0,3} [)\]}>] \s{0,3} | \s{1,3} at \s{1,3} )"
_DOT_WORD = r"(?: \s{0,3} [(\[{<] \s{0,3} (?:dot|\.) \s{0,3} [)\]}>] \s{0,3} | \s{1,3} dot \s{1,3} )"
IN_WORDS = re.compile(
    rf"""(?<!{LOCAL}) {LOCAL}++ (?:{_DOT_WORD} [\w+-]++){{0,4}}
    (?: {_AT} {LABEL} (?: \. {LABEL})*+ (?:{_DOT_WORD} {LABEL} )++
    | \s{{0,3}} @ \s{{0,3}} {LABEL} (?:{_DOT_WORD} {LABEL} )++
    | \s{{0,3}} [(\[{{<] \s{{0,3}} (?:at|@) \s{{0,3}} [)\]}}>] \s{{0,3}} {LABEL} (?: \. {LABEL})++ )""",
    re.VERBOSE | re.IGNORECASE,
)
"""Matches ann at example dot com, ann (at) example.com: the dot or the brackets show that `at` is not just a word."""


def emails(text: str) -> Iterator[tuple[int, int]]:
    """Yield the begin and end of each address."""
    if "@" in text:
        for match in ADDRESS.finditer(text):
            last = match[0].rpartition(".")[2].strip()
            if match[0].endswith("]") or not last.isdigit():  # lodash@4.17.21 is not an address
                yield match.span()
    if SPELLED.search(text):
        for match in IN_WORDS.finditer(text):
            yield match.span()
