"""Paths of the repository and of the fixtures, the same for tests in every folder."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
