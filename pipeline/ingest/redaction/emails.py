"""Find e-mail addresses in a text, also those that are written with blanks, or with words for @ and dot."""

import re
from collections.abc import Iterator

LOCAL, LABEL = r"[\w.!#$%&'*+/=?^`{|}~-]", r"[\w-]++"
_QUOTED = r'"(?:\\.|[^"\\\n]){1,64}+"'
_BLANK_DOT = r"(?:\s{1,3}\.\s{0,3}|\.\s{1,3}(?=(?:com|org|net|edu|gov|info|biz|io|co|uk|fr|nl|example)\b))"
"""A full stop ends a sentence where there is no blank before it, unless what follows is no word."""
_DOMAIN = rf"{LABEL}(?:(?:\.{LABEL})++|(?:{_BLANK_DOT}{LABEL})++)"

ADDRESS = re.compile(
    rf"""(?: (?<!{LOCAL}) {LOCAL}++ | {_QUOTED} ) \s{{0,3}} @ \s{{0,3}} (?: {_DOMAIN} | \[[\d.:a-fA-F]++\] )""",
    re.VERBOSE,
)
"""Written so that no text takes more than a few looks at each of its characters."""

SPELLED = re.compile(r"dot|[(\[{<]\s{0,3}(?:at|@)", re.IGNORECASE)
"""What has neither spells no address."""
_AT = r"(?: \s{0,3} [(\[{<] \s{0,3} (?:at|@) \s{0,3} [)\]}>] \s{0,3} | \s{1,3} at \s{1,3} )"
_DOT_WORD = r"(?: \s{0,3} [(\[{<] \s{0,3} (?:dot|\.) \s{0,3} [)\]}>] \s{0,3} | \s{1,3} dot \s{1,3} )"
IN_WORDS = re.compile(
    rf"""(?<!{LOCAL}) {LOCAL}++ (?:{_DOT_WORD} [\w+-]++){{0,4}}
    (?: {_AT} {LABEL} (?: \. {LABEL})*+ (?:{_DOT_WORD} {LABEL} )++
    | \s{{0,3}} @ \s{{0,3}} {LABEL} (?:{_DOT_WORD} {LABEL} )++
    | \s{{0,3}} [(\[{{<] \s{{0,3}} (?:at|@) \s{{0,3}} [)\]}}>] \s{{0,3}} {LABEL} (?: \. {LABEL})++ )""",
    re.VERBOSE | re.IGNORECASE,
)
"""ann at example dot com, ann (at) example.com: the dot or the brackets tell it from `at` in a sentence."""


def emails(text: str) -> Iterator[tuple[int, int]]:
    """Where addresses stand: begin and end."""
    if "@" in text:
        for found in ADDRESS.finditer(text):
            last = found[0].rpartition(".")[2].strip()
            if found[0].endswith("]") or not last.isdigit():  # lodash@4.17.21 is no address
                yield found.span()
    if SPELLED.search(text):
        for found in IN_WORDS.finditer(text):
            yield found.span()
