"""Bind sockets, find free ports, and tell loopback addresses from others."""

import ipaddress
import re
import socket
from collections.abc import Collection, Sequence

from pipeline.runtime.errors import UsageError

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


def bound(host: str, port: int, option: str) -> socket.socket:
    """A socket bound to the address.

    Args:
        host: an address or a name of this machine.
        port: 1 to 65535.
        option: the option or setting that changes the port, for the sentence.

    Raises:
        UsageError: the address is taken or is none of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"cannot listen on {host}: {error.strerror}") from None
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind(address)
    except OSError as error:
        opened.close()
        raise UsageError(f"port {port} on {host} cannot be used: {error.strerror}; choose another: {option}") from None
    return opened


def check_free(host: str, port: int, option: str) -> None:
    """Does nothing where a server could listen on the address.

    Raises:
        UsageError: as `bound`.
    """
    bound(host, port, option).close()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago."""
    with bound(host, 0, "none") as opened:
        port: int = opened.getsockname()[1]
        return port
