"""The documents name files that exist."""

import re
from pathlib import Path

import pytest

from tests.paths import ROOT

DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "deploy/PERFORMANCE.md",
    "deploy/RECEIVE.md",
    "deploy/RUNBOOK.md",
    "deploy/SCALING.md",
    "deploy/SECURITY.md",
    "pipeline/materialise/PROTOCOL.md",
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(
    r"`((?:schemas|pipeline|agents|tests|deploy)/[\w./-]+|[A-Z]+\.md|pyproject\.toml|requirements\.lock)`"
)
MADE = {"deploy/.env", "deploy/turnfold.env"}
"""Files that the documents tell the reader to create."""


def paths(document: Path) -> set[Path]:
    """Return the files and folders of the repository that a document links to or names."""
    text = document.read_text()
    links = {link.partition("#")[0] for link in LINK.findall(text) if "://" not in link}
    linked = {document.parent / link for link in links if link}
    return linked | {resolved(name, document.parent) for name in PATH.findall(text) if name not in MADE}


def resolved(name: str, folder: Path) -> Path:
    """Return the path that a text in `folder` names: from there, or else from the root of the repository."""
    return folder / name if (folder / name).exists() else ROOT / name


def test_the_protocol_uses_the_names_of_the_code() -> None:
    """Renaming a part renames it in the description."""
    sources = [file.read_text() for package in ("schemas", "pipeline") for file in (ROOT / package).rglob("*.py")]
    code = set(re.findall(r"\w+", "\n".join(sources)))
    text = (ROOT / "pipeline" / "materialise" / "PROTOCOL.md").read_text()
    names = {part for name in re.findall(r"(?<!\[)`([A-Za-z_]\w*(?:\.\w+)?)`", text) for part in name.split(".")}
    assert len(names) > 20
    assert sorted(names - code) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_in_a_document_exists(name: str) -> None:
    assert sorted(str(path) for path in paths(ROOT / name) if not path.exists()) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("[fold](pipeline/fold/no.py)", "pipeline/fold/no.py"),
        ("see `agents/no.py`", "agents/no.py"),
        ("see `NO.md`", "NO.md"),
    ],
)
def test_a_path_that_does_not_exist_is_found(tmp_path: Path, text: str, missing: str) -> None:
    document = tmp_path / "document.md"
    document.write_text(text)
    (path,) = paths(document)
    assert path in {tmp_path / missing, ROOT / missing}
    assert not path.exists()
