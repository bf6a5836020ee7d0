"""Names of Lex V1 in, the ten-character ids that the V2 API asks by out."""

import base64
import hashlib

ID_LENGTH = 10


def bot_id(bot_name: str) -> str:
    """The bot id of a V1 bot, which has only a name: ten of [A-Z2-7], the same everywhere."""
    return _derived("bot", bot_name)


def alias_id(bot_name: str, bot_alias: str) -> str:
    """The alias id of a V1 alias, derived from its bot's name and its own."""
    return _derived("alias", bot_name, bot_alias)


def _derived(*names: str) -> str:
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return base64.b32encode(digest)[:ID_LENGTH].decode()
