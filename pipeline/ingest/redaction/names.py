"""Mask patterns in the names of members, which people choose as well: an address may be what an attribute is called."""

from collections import Counter
from typing import Any

from pipeline.ingest.redaction.patterns import Patterns

REMEMBERED = 10_000
"""Names of members: bots have some hundreds."""


class Names:
    """Renames members whose names hold a pattern. Names are remembered, as they come again and again."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._harmless: set[str] = set()

    def mask(self, members: dict[str, Any], marks: set[str]) -> None:
        """Mask the names of `members`, in their order; what was found is added to `marks`."""
        if self._patterns and not self._harmless.issuperset(members):
            renamed = {name: self._masked(name, marks) for name in members}
            if any(name != new for name, new in renamed.items()):
                self._rename(members, renamed)

    def _masked(self, name: str, marks: set[str]) -> str:
        if name in self._harmless:
            return name
        masked = self._patterns.masked(name, marks)
        if masked == name and len(self._harmless) < REMEMBERED:
            self._harmless.add(name)
        return masked

    @staticmethod
    def _rename(members: dict[str, Any], renamed: dict[str, str]) -> None:
        """Two names that are masked alike are told apart by a number, and so lose neither member."""
        taken = {name for name, new in renamed.items() if name == new}
        numbers: Counter[str] = Counter()
        before = list(members.items())
        members.clear()
        for name, child in before:
            new = renamed[name]
            while new != name and new in taken:
                numbers[renamed[name]] += 1
                new = f"{renamed[name]} {numbers[renamed[name]] + 1}"
            taken.add(new)
            members[new] = child
