"""A host's name or address in; whether it can only be this machine, whatever anybody's DNS says, out."""

import ipaddress
import re
from collections.abc import Collection, Sequence

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/]+)(?::\d+)?")
"""The Host header: a name or an address, and perhaps a port."""
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on


def is_loopback(host: str) -> bool:
    """Whether `host` is localhost or an address of the loopback; one of IPv6 may stand in brackets."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def is_own_host(told: Sequence[str], own: Collection[str] = ()) -> bool:
    """Whether a request is meant for this very server, by its Host headers, of which there must be one.

    A web page whose name was rebound to an address of this machine sends neither Origin nor Sec-Fetch headers with
    a GET; its name is in the Host header, which no page can change.

    Args:
        told: the values of its Host headers.
        own: names beside those of the loopback. With an address that stands for all of this machine's, every address
            is: a page can be rebound to one, but is never called by one that is not its own.
    """
    return len(told) == 1 and (found := HOST.fullmatch(told[0])) is not None and _is_own(found[1].lower(), own)


def _is_own(name: str, own: Collection[str]) -> bool:
    if is_loopback(name) or name.endswith(".localhost"):  # browsers ask no DNS for those (RFC 6761)
        return True
    address = name.strip("[]")
    return address in {known.lower() for known in own} or (bool(WILDCARDS & set(own)) and _is_address(address))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
