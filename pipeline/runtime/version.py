"""Look up the version of the installed package, for all that name it."""

from importlib.metadata import PackageNotFoundError, version


def package_version(default: str) -> str:
    """Return the version of the installed package, or `default` when Turnfold runs from its source tree."""
    try:
        return version("turnfold")
    except PackageNotFoundError:
        return default
