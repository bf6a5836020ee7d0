"""Create the embedded stack's secrets in its data folder, and pass them to its processes and to shells."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from agents.embedded.data_folder import read_or_create_secret, read_secret
from agents.embedded.env_file import ENV_FILE, KEY_FILE
from pipeline.auth.key_factory import create_bearer_key, create_signing_key, is_token_of, key_id_of, new_id
from pipeline.auth.key_store import change_keys, read_keys
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from schemas.access_key import ALL, AccessKey, Right

TOKEN_FILE = "api.token"  # noqa: S105 - the name of its file
KEY_NAME = "turnfold up"
UNLIMITED = 1_000_000
"""Rate limit and concurrency limit of the keys of `up`: they belong to the machine's owner, who needs no limits."""


class OwnSecrets(NamedTuple):
    """The credentials of an embedded stack."""

    user: str
    password: str
    """ClickHouse's password."""
    key_file: Path
    """The file of the query layer's access keys."""
    key_id: str
    """Id of the access key for AWS's SDKs."""
    key_secret: str
    token: str
    """The bearer token for browsers, curl and `turnfold`."""

    def environ(self) -> dict[str, str]:
        """Return the settings with which the stack's processes require and send these credentials."""
        return {
            "TURNFOLD_CLICKHOUSE_USER": self.user,
            "TURNFOLD_CLICKHOUSE_PASSWORD": self.password,
            "TURNFOLD_API_KEYS": str(self.key_file),
        }


def own_secrets(folder: Path, settings: Settings) -> OwnSecrets:
    """Read the secrets in `folder`, and create missing ones; a password or keys in the settings take precedence.

    Raises:
        UsageError: the key file cannot be used.
    """
    user = settings.clickhouse_user
    password = settings.clickhouse_password or read_or_create_secret(folder / "clickhouse.password")
    if settings.api_keys:
        return OwnSecrets(user, password, Path(settings.api_keys).absolute(), "", "", settings.api_token)
    key_file = folder / KEY_FILE
    signing = _signing_key(key_file)
    return OwnSecrets(user, password, key_file, signing.id, signing.secret, _token(key_file, folder / TOKEN_FILE))


def write_env(folder: Path, addresses: Mapping[str, str], secrets: OwnSecrets) -> Path:
    """Write the variables that a shell needs to access the stack, for `. data/env`; only the owner can read the file.

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
        "# Created by `turnfold up` for `. FILE` in a shell: addresses and secrets.\n" + "\n".join(lines) + "\n"
    )
    return path


def _signing_key(key_file: Path) -> AccessKey:
    for key in read_keys(key_file) if key_file.exists() else ():
        if key.name == KEY_NAME and key.secret:
            return key
    issued = create_signing_key(_new_key())
    change_keys(key_file, lambda known: [*known, issued.key])
    return issued.key


def _token(key_file: Path, token_file: Path) -> str:
    token = read_secret(token_file)
    for key in read_keys(key_file):
        if key.id == key_id_of(token) and is_token_of(token, key.token_sha256) and set(Right) <= set(key.rights):
            return token  # one of an earlier version may lack a right
    issued = create_bearer_key(_new_key())
    change_keys(key_file, lambda known: [*known, issued.key])
    token_file.unlink(missing_ok=True)
    return read_or_create_secret(token_file, issued.credential)


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
