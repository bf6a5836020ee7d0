"""Load the settings from environment variables."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from pipeline.config.settings import Settings
from pipeline.config.validation import validate_settings
from pipeline.runtime.errors import UsageError

PREFIX = "TURNFOLD_"


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Return the settings that `environ` holds, and defaults for all others.

    Raises:
        UsageError: a variable is unknown or invalid; the text names it and what would be right.
    """
    values: dict[str, Any] = {}
    known = {f.name: f for f in msgspec.structs.fields(Settings)}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in known:
            raise UsageError(f"unknown setting {variable}; {_meant(variable)}`turnfold --help` lists all")
        try:
            kind = known[name].type
            values[name] = msgspec.convert(_split(text, kind, variable), kind, strict=False)
        except msgspec.ValidationError as error:
            raise UsageError(f"{variable}={text!r} is invalid: {error}") from None
    settings = Settings(**values)
    for violated, message in validate_settings(settings):
        if violated:
            raise UsageError(message)
    return settings


def variables() -> list[str]:
    """Return the names of all environment variables that are settings."""
    return [PREFIX + f.name.upper() for f in msgspec.structs.fields(Settings)]


def _meant(variable: str) -> str:
    close = get_close_matches(variable, variables(), 1)
    return f"did you mean {close[0]}? " if close else ""


def _split(text: str, kind: Any, variable: str) -> object:
    origin = getattr(kind, "__origin__", kind)
    if origin not in {tuple, dict}:
        return text.strip()
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if origin is tuple:
        return parts
    pairs = [part.partition("=") for part in parts]
    if any(not separator for _, separator, _ in pairs):
        raise UsageError(f"{variable}={text!r} is invalid: expected pairs such as BOTAAAAAA1=600,BOTBBBBBB2=60")
    return {name.strip(): value.strip() for name, _, value in pairs}
