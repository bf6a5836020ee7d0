"""Define the rules of the fold, on which the row of given events depends, as one value with a version."""

from dataclasses import dataclass
from typing import Final

FOLD_VERSION: Final = 2
"""Version of the fold. Increase it with every change after which the same events fold into another row. Workers compare
it through Kafka, so that a group of workers never mixes two versions unnoticed, and rows record it.

Since 2, rows have visits and utterances, and entries of one request are ordered as they happen."""

VISITS_SINCE: Final = 2
"""Version of the fold since which rows have visits and utterances."""


@dataclass(frozen=True, slots=True)
class FoldRules:
    """The settings that the fold depends on, and the version of the fold itself."""

    fallback_intents: frozenset[str]
    """Names of the intents that mean that no other intent was recognized."""
    version: int = FOLD_VERSION
