"""Define `turnfold keys`, which manages the file of access keys and prints a new key's secret once."""

import re
from collections.abc import Sequence
from pathlib import Path

import click
import orjson

from agents.cli.options import Subcommands, parse_duration, resolve_bot_id
from agents.cli.output.write import iso, say, write_json
from agents.embedded.env_file import DEFAULT_DATA, KEY_FILE
from pipeline.auth.key_factory import (
    IssuedKey,
    create_bearer_key,
    create_signing_key,
    key_id_of,
    new_id,
    with_revocation,
)
from pipeline.auth.key_store import change_keys, read_keys
from pipeline.config.settings import Settings
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import UsageError
from pipeline.runtime.printable import printable
from schemas.access_key import ALL, AccessKey, Right

NEVER = "never"
BOTLESS = {Right.ADMIN, Right.WRITE}
"""Rights that no bot limits."""


@click.group(cls=Subcommands)
def keys() -> None:
    """Create, list and revoke the access keys that the query layer and the receiver require.

    They are in the file that TURNFOLD_API_KEYS names. Running servers apply every change at once.
    """


@keys.command()
@click.argument("name")
@click.option("--bot", "bots", multiple=True, metavar="BOT",
              help="A bot's id, the name of a Lex V1 bot, SALES* for all ids with that prefix, or * for all; "
                   "may be repeated. Rights admin and write need none.")  # fmt: skip
@click.option("--right", "rights", multiple=True, type=click.Choice([right.value for right in Right]),
              default=[Right.LIST.value], show_default=True, help="What it may do; may be repeated.")  # fmt: skip
@click.option("--expires", default="90d", show_default=True, metavar="DURATION", help="Expiry: 12h, 90d, never.")
@click.option("--bearer", is_flag=True, help="A token for browsers and curl, instead of a secret for AWS's SDKs.")
@click.option("--rate", type=click.FloatRange(0.001, 1_000_000), help="Requests per second; else TURNFOLD_API_RATE.")
@click.option("--concurrent", type=click.IntRange(1), help="Concurrent requests; else TURNFOLD_API_CONCURRENT.")
@click.option("--json", "as_json", is_flag=True, help="Write it as JSON.")
@click.pass_obj
def add(  # noqa: PLR0913, PLR0917 - each option of the command is an argument
    settings: Settings, name: str, bots: Sequence[str], rights: Sequence[str], expires: str, rate: float | None,
    concurrent: int | None, *, bearer: bool, as_json: bool,
) -> None:  # fmt: skip
    """Create a key for NAME, the user or program that will send requests with it. Its secret is only shown now."""
    if not bots and not set(rights) <= BOTLESS:
        raise click.UsageError("Missing option '--bot': a bot's id, or * for all.")
    now = now_ms()
    key = AccessKey(
        id=new_id(),
        name=name,
        bots=tuple(dict.fromkeys(map(_pattern, bots))),
        rights=tuple(dict.fromkeys(Right(right) for right in rights)),
        created=now,
        expires=None if expires == NEVER else now + int(1000 * parse_duration(expires, "--expires")),
        rate=rate,
        concurrent=concurrent,
    )
    issued = create_bearer_key(key) if bearer else create_signing_key(key)
    change_keys(_path(settings), lambda known: [*known, issued.key])
    if as_json:
        write_json(orjson.dumps(_described(issued.key, now) | _credentials(issued, bearer=bearer)))
        return
    say(_line(issued.key, now), err=True)
    for field, value in _credentials(issued, bearer=bearer).items():
        say(f"{field} = {value}")


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write them as JSON.")
@click.pass_obj
def list_(settings: Settings, *, as_json: bool) -> None:
    """List all keys, without their secrets."""
    now = now_ms()
    for key in read_keys(_path(settings)):
        if as_json:
            write_json(orjson.dumps(_described(key, now)))
        else:
            say(_line(key, now))


@keys.command()
@click.argument("key_id", metavar="ID")
@click.pass_obj
def revoke(settings: Settings, key_id: str) -> None:
    """Revoke the key ID: from now on it gives no access. ID can also be a bearer token, for example a leaked one."""
    revoked_id = key_id_of(key_id) or key_id

    def change(known: Sequence[AccessKey]) -> list[AccessKey]:
        if revoked_id not in {key.id for key in known}:  # the id is not repeated, as it may be a secret
            raise UsageError("there is no key with this id; `turnfold keys list` shows all")
        return [with_revocation(key, now_ms()) if key.id == revoked_id else key for key in known]

    change_keys(_path(settings), change)
    say(f"revoked {revoked_id}", err=True)


def _path(settings: Settings) -> Path:
    if not settings.api_keys:
        own = DEFAULT_DATA / KEY_FILE
        hint = f"; that of `turnfold up` in this folder is {own}" if own.exists() else ""
        raise UsageError(f"TURNFOLD_API_KEYS is not set; expected a key file such as keys.json, which may be new{hint}")
    return Path(settings.api_keys)


def _pattern(bot: str) -> str:
    if not (bot.isprintable() and re.fullmatch(r"[0-9A-Za-z]*\*|[^*]*[^*\s][^*]*", bot)):
        raise UsageError(f"--bot {bot!r} is not a bot; expected an id, the name of a Lex V1 bot, SALES* or *")
    return bot if bot.endswith(ALL) else resolve_bot_id(bot)


def _credentials(issued: IssuedKey, *, bearer: bool) -> dict[str, str]:
    if bearer:
        return {"token": issued.credential}
    return {"aws_access_key_id": issued.key.id, "aws_secret_access_key": issued.credential}


def _state(key: AccessKey, now: int) -> str:
    if key.revoked is not None:
        return f"revoked {iso(key.revoked)}"
    if key.expires is None:
        return "valid until revoked"
    return f"{'valid until' if key.expires > now else 'expired'} {iso(key.expires)}"


def _line(key: AccessKey, now: int) -> str:
    kind = "bearer" if key.token_sha256 else "signing" if key.secret else "-"
    scope = f"{','.join(key.rights) or '-'} of {','.join(key.bots) or '-'}"
    return printable(f"{key.id}  {kind:7}  {key.name}  {scope}  {_state(key, now)}")


def _described(key: AccessKey, now: int) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "kind": "bearer" if key.token_sha256 else "signing" if key.secret else None,
        "bots": key.bots,
        "rights": [right.value for right in key.rights],
        "state": _state(key, now),
        "rate": key.rate,
        "concurrent": key.concurrent,
    }
