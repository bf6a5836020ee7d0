"""The rules that decide what the fold makes of the same events, as one value with a version."""

from dataclasses import dataclass
from typing import Final

FOLD_VERSION: Final = 1
"""Increase it with every change after which the same events fold into another row. Workers compare it through Kafka,
so that a group of workers never mixes two versions unnoticed."""


@dataclass(frozen=True, slots=True)
class FoldRules:
    """What the fold takes from the settings, beside its own version."""

    fallback_intents: frozenset[str]
    """Names of the intents that mean that nothing was understood."""
    version: int = FOLD_VERSION
