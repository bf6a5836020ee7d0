"""The version is looked up in the installed package."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from pipeline.runtime import version as module
from pipeline.runtime.version import package_version


def test_the_version_is_that_of_the_installed_package() -> None:
    assert package_version("0") == version("turnfold")


def test_without_an_installed_package_the_default_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    assert package_version("unknown") == "unknown"
