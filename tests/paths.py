"""Where the repository and the fixtures lie, whatever folder a test is in."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "fixtures"
