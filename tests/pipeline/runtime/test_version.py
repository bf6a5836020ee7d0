"""The version is looked up in the installed package."""

from importlib import metadata

import pytest

from pipeline.runtime.version import package_version


def test_the_version_is_that_of_the_installed_package() -> None:
    assert package_version("0") == metadata.version("turnfold")


def test_without_an_installed_package_the_default_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    assert package_version("unknown") == "unknown"
