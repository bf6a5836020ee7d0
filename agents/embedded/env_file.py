"""Read the secrets of an embedded stack in commands, from the file that `turnfold up` writes for shells."""

import os
import shlex
from pathlib import Path

import msgspec

from pipeline.config.settings import Settings
from pipeline.runtime.file_modes import is_open

DEFAULT_DATA = Path("data")
"""Default data folder of `turnfold up`."""
ENV_FILE = "env"
KEY_FILE = "keys.json"


def with_own_secrets(settings: Settings, folder: Path = DEFAULT_DATA) -> Settings:
    """Add the embedded stack's secrets to settings that have its addresses but no secrets.

    So commands have access if they are started in the folder where `turnfold up` was started. A secret is only sent to
    the address that it was created for, and a file that others can access is ignored.
    """
    variables = _read_env(folder / ENV_FILE)
    password, token = settings.clickhouse_password, settings.api_token
    if not password and settings.clickhouse == variables.get("TURNFOLD_CLICKHOUSE"):
        password = variables.get("TURNFOLD_CLICKHOUSE_PASSWORD", "")
    if not token and settings.api == variables.get("TURNFOLD_API"):
        token = variables.get("TURNFOLD_API_TOKEN", "")
    return msgspec.structs.replace(settings, clickhouse_password=password, api_token=token)


def _read_env(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or is_open(status):
                return {}
            words = shlex.split(file.read(), comments=True)
    except (OSError, ValueError):
        return {}
    pairs = (word.partition("=") for word in words)
    return {name: value for name, separator, value in pairs if separator}
