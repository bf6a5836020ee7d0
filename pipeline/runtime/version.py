"""Look up the version of the installed package, for all that name it."""


def package_version(default: str) -> str:
    """Return the version of the installed package, or `default` when Turnfold runs from its source tree."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - a tenth of what a command imports

    try:
        return version("turnfold")
    except PackageNotFoundError:
        return default
