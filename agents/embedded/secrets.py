"""Secrets of the embedded stack: made once in its data folder, given to its processes, found by commands beside it."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from agents.embedded.data_folder import kept_secret
from pipeline.auth.key_factory import create_bearer_key, create_signing_key, is_token_of, key_id_of, new_id
from pipeline.auth.key_store import change_keys, is_open, read_keys
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from schemas.access_key import ALL, AccessKey, Right

DEFAULT_DATA = Path("data")
"""Where `turnfold up` keeps its data unless it is told otherwise."""
ENV_FILE = "env"
KEY_NAME = "turnfold up"
UNLIMITED = 1_000_000
"""Requests a second and at once: the keys of `up` are those of the machine's owner, whom no pace holds back."""


class OwnSecrets(NamedTuple):
    """What lets a client into an embedded stack."""

    user: str
    password: str
    """ClickHouse's."""
    key_file: Path
    """The access keys that the query layer asks for."""
    key_id: str
    """The access key for AWS's SDKs."""
    key_secret: str
    token: str
    """The bearer token for browsers, curl and `turnfold`."""

    def environ(self) -> dict[str, str]:
        """The settings by which processes of the stack ask for these secrets, and show them to each other."""
        return {
            "TURNFOLD_CLICKHOUSE_USER": self.user,
            "TURNFOLD_CLICKHOUSE_PASSWORD": self.password,
            "TURNFOLD_API_KEYS": str(self.key_file),
        }


def own_secrets(folder: Path, settings: Settings) -> OwnSecrets:
    """Read the secrets in `folder`, making those that are missing; a password or keys of the settings' own come first.

    Raises:
        UsageError: the file of keys cannot be used.
    """
    user = settings.clickhouse_user
    password = settings.clickhouse_password or kept_secret(folder / "clickhouse.password")
    if settings.api_keys:
        return OwnSecrets(user, password, Path(settings.api_keys).absolute(), "", "", settings.api_token)
    key_file = folder / "keys.json"
    signing = _signing_key(key_file)
    return OwnSecrets(user, password, key_file, signing.id, signing.secret, _token(key_file, folder / "api.token"))


def write_env(folder: Path, addresses: Mapping[str, str], secrets: OwnSecrets) -> Path:
    """Write what a shell needs to talk to the stack, for `. data/env`; readable by its owner alone.

    Returns:
        The file.
    """
    values = {
        **addresses,
        "TURNFOLD_CLICKHOUSE_USER": secrets.user,
        "TURNFOLD_CLICKHOUSE_PASSWORD": secrets.password,
        "TURNFOLD_API_TOKEN": secrets.token,
        "AWS_ACCESS_KEY_ID": secrets.key_id,
        "AWS_SECRET_ACCESS_KEY": secrets.key_secret,
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items() if value]
    path = folder / ENV_FILE
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(
        "# Made by `turnfold up` for `. FILE` in a shell: addresses and secrets.\n" + "\n".join(lines) + "\n"
    )
    return path


def with_own_secrets(settings: Settings, folder: Path = DEFAULT_DATA) -> Settings:
    """Complete settings that have no secret for an address with those of the embedded stack at that very address.

    So commands that are started beside a running `turnfold up`, in the folder where it was started, are let in. A
    secret is shown to no other address than the one that it was made for, and a file that is not its reader's alone
    is not believed.
    """
    found = _read_env(folder / ENV_FILE)
    password, token = settings.clickhouse_password, settings.api_token
    if not password and settings.clickhouse == found.get("TURNFOLD_CLICKHOUSE"):
        password = found.get("TURNFOLD_CLICKHOUSE_PASSWORD", "")
    if not token and settings.api == found.get("TURNFOLD_API"):
        token = found.get("TURNFOLD_API_TOKEN", "")
    return msgspec.structs.replace(settings, clickhouse_password=password, api_token=token)


def _read_env(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8") as file:
            seen = os.fstat(file.fileno())
            if seen.st_uid != os.geteuid() or is_open(seen):
                return {}
            words = shlex.split(file.read(), comments=True)
    except (OSError, ValueError):
        return {}
    pairs = (word.partition("=") for word in words)
    return {name: value for name, separator, value in pairs if separator}


def _signing_key(key_file: Path) -> AccessKey:
    for key in read_keys(key_file) if key_file.exists() else ():
        if key.name == KEY_NAME and key.secret:
            return key
    issued = create_signing_key(_new_key())
    change_keys(key_file, lambda known: [*known, issued.key])
    return issued.key


def _token(key_file: Path, kept: Path) -> str:
    token = kept.read_text() if kept.exists() else ""
    for key in read_keys(key_file):
        if key.id == key_id_of(token) and is_token_of(token, key.token_sha256):
            return token
    issued = create_bearer_key(_new_key())
    change_keys(key_file, lambda known: [*known, issued.key])
    kept.unlink(missing_ok=True)
    return kept_secret(kept, issued.credential)


def _new_key() -> AccessKey:
    return AccessKey(
        id=new_id(),
        name=KEY_NAME,
        bots=(ALL,),
        rights=tuple(Right),
        created=now_ms(),
        rate=UNLIMITED,
        concurrent=UNLIMITED,
    )
