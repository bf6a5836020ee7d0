"""Read the files in deploy/."""

import re
from collections.abc import Mapping
from typing import Any

import orjson
import yaml  # type: ignore[import-untyped] # it carries no types

from pipeline.config.load import variables
from tests.paths import ROOT

DEPLOY = ROOT / "deploy"
VARIABLE = re.compile(r"\bTURNFOLD_[A-Z_]+\b")


def read_yaml(name: str) -> Any:
    """Read a YAML file, with anchors and merges resolved."""
    return yaml.safe_load((DEPLOY / name).read_text())


def dashboard() -> Mapping[str, Any]:
    """Read the Grafana dashboard."""
    found: Mapping[str, Any] = orjson.loads((DEPLOY / "grafana" / "dashboards" / "turnfold.json").read_bytes())
    return found


def unknown_variables(text: str) -> set[str]:
    """Return the names in a text that look like settings and are none."""
    return set(VARIABLE.findall(text)) - set(variables())
