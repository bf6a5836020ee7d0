"""Draw bars that let people compare counts at a glance."""

import sys

from rich.text import Text

WIDTH = 20
"""Characters of the longest bar."""

EIGHTHS = " ▏▎▍▌▋▊▉█"
PLAIN = "#"
"""A bar's character where the output's encoding has no blocks."""


def bar(value: float, greatest: float) -> Text:
    """Return a bar whose length is to WIDTH as `value` is to `greatest`; nothing that is not zero has no bar."""
    share = value / greatest if greatest > 0 else 0.0
    if not _has_blocks():
        return Text(PLAIN * max(round(share * WIDTH), int(share > 0)))
    whole, eighths = divmod(max(round(share * WIDTH * 8), int(share > 0)), 8)
    return Text(EIGHTHS[8] * whole + EIGHTHS[eighths].strip(), "cyan", no_wrap=True)


def percent(part: float, whole: float) -> str:
    """Return a share such as 12%, or 0.4% where it is small; empty for a share of nothing."""
    if not whole:
        return ""
    share = 100 * part / whole
    return f"{share:.0f}%" if share >= 9.95 or not share else f"{share:.1f}%"


def _has_blocks() -> bool:
    try:
        EIGHTHS.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
