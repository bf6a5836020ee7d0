"""A package has at most a dozen modules, and tests mirror the source."""

from collections import Counter
from pathlib import Path

from tests.paths import ROOT

PACKAGES = ("schemas", "pipeline", "agents")
MODULES = sorted(
    module.relative_to(ROOT)
    for package in PACKAGES
    for module in (ROOT / package).rglob("*.py")
    if module.name != "__init__.py"
)
ROOMS = sorted({module.parent for module in MODULES})
PARENTS = {parent for room in ROOMS for parent in room.parents if parent.parts}
"""Packages that have only packages in them, among others."""
DOZEN = 12

WITHOUT_TESTS = {
    "pipeline/http/processes/member.py": "runs in a process of its own, which tests/agents/query_layer starts",
}
"""Module -> why it has no test module."""
BINS = {"base", "common", "core", "helpers", "misc", "shared", "stuff", "util", "utils"}
"""Names of modules and packages that would tell nobody what is in them."""


def mirror(module: Path) -> Path:
    """Return the path of the test module that a module should have."""
    return Path("tests") / module.parent / f"test_{module.name}"


def test_a_package_has_at_most_a_dozen_modules() -> None:
    sizes = Counter(module.parent for module in MODULES)
    assert {str(room): size for room, size in sizes.items() if size > DOZEN} == {}


def test_every_module_has_its_test_module() -> None:
    """An exception that needs none any more is removed from the list."""
    assert len(MODULES) > 300
    assert [str(module) for module in MODULES if not (ROOT / mirror(module)).exists()] == sorted(WITHOUT_TESTS)


def test_tests_are_in_folders_of_packages() -> None:
    """Tests of a package that moved move along."""
    folders = {file.parent for package in PACKAGES for file in (ROOT / "tests" / package).rglob("test_*.py")}
    assert len(folders) > 20
    assert (
        sorted(str(folder) for folder in folders if folder.relative_to(ROOT / "tests") not in {*ROOMS, *PARENTS}) == []
    )


def test_names_say_what_is_in_a_module() -> None:
    assert [str(module) for module in MODULES if BINS & {*module.parent.parts, module.stem}] == []


def test_every_package_has_a_docstring_that_says_what_it_is_for() -> None:
    for room in {*ROOMS, *PARENTS}:
        assert (ROOT / room / "__init__.py").read_text().startswith('"""'), room
