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
    "pipeline/http/processes/member.py": "runs in a process of its own, which tests/agents/supervision starts",
}
"""Module -> why it has no test module."""
OF_A_WHOLE_PACKAGE = {
    "pipeline/http": {"exceeded", "fairness", "fuzz", "fuzz_bytes", "fuzz_scope", "fuzz_text", "keys"},
    "pipeline/materialise": {"forwarded", "swap", "taken_back", "together"},
    "pipeline/query": {"scope"},
}
"""Package -> test modules of what only all of it does: answer any request, keep the rows right among several writers,
hide the bots of others."""
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


def test_every_test_module_is_of_a_module_or_of_a_whole_package() -> None:
    """Tests of a module that moved move along; `test_fold_more.py` has more tests of `fold.py`."""
    files = [file for package in PACKAGES for file in (ROOT / "tests" / package).rglob("test_*.py")]
    strays: dict[str, set[str]] = {}
    for file in files:
        room, name = file.parent.relative_to(ROOT / "tests"), file.stem.removeprefix("test_")
        if not any(f"{name}_".startswith(f"{module.stem}_") for module in MODULES if module.parent == room):
            strays.setdefault(str(room), set()).add(name)
    assert strays == OF_A_WHOLE_PACKAGE


def test_names_say_what_is_in_a_module() -> None:
    assert [str(module) for module in MODULES if BINS & {*module.parent.parts, module.stem}] == []


def test_every_package_has_a_docstring_that_says_what_it_is_for() -> None:
    for room in {*ROOMS, *PARENTS}:
        assert (ROOT / room / "__init__.py").read_text().startswith('"""'), room
