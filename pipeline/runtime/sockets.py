"""Bind sockets, find free ports, and recognise loopback addresses, own hosts and HTTP URLs."""

import ipaddress
import os
import re
import socket
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from pipeline.runtime.errors import UsageError

HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:@/]+)(?::\d+)?")
"""The value of a Host header: a name or an address, with or without a port."""
WILDCARDS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, not listened on


def is_loopback(host: str) -> bool:
    """Return whether `host` is localhost or a loopback address; an IPv6 address may be in brackets."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False


def is_own_host(headers: Sequence[str], own: Collection[str] = ()) -> bool:
    """Return whether a request is meant for this server, by its Host header, of which there must be exactly one.

    A web page whose name was rebound to an address of this machine (DNS rebinding) sends neither Origin nor Sec-Fetch
    headers with a GET; but its name is in the Host header, which no page can change.

    Args:
        headers: the values of the request's Host headers.
        own: names of this server besides those of the loopback. With a wildcard address among them every address is
            accepted: a page's name can be rebound to an address, but only the machine itself is called by it.
    """
    return len(headers) == 1 and (match := HOST.fullmatch(headers[0])) is not None and _is_own(match[1].lower(), own)


def _is_own(name: str, own: Collection[str]) -> bool:
    if is_loopback(name) or name.endswith(".localhost"):  # browsers never look those up in DNS (RFC 6761)
        return True
    address = name.strip("[]")
    return address in {known.lower() for known in own} or (bool(WILDCARDS & set(own)) and _is_address(address))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_http_url(text: str) -> bool:
    """Return whether `text` is an http or https URL with a host and, if it has a port, a valid one."""
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:  # the port is not a number up to 65535, or a bracket is missing
        return False


def authority(host: str, port: int) -> str:
    """Return host and port as URLs have them, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bind_socket(host: str, port: int, option: str, *, backlog: int = 0, ipv6_only: bool = False) -> socket.socket:
    """Return a socket bound to the address; of a name's addresses IPv4 ones are preferred.

    Args:
        host: an address or a name of this machine.
        port: 1 to 65535, or 0 for any free port.
        option: the options or settings that change the address, for the error message.
        backlog: connections that may wait to be accepted; 0 leaves it to the caller to listen.
        ipv6_only: whether `::` excludes IPv4, which it otherwise includes.

    Raises:
        UsageError: the address is taken or does not belong to this machine.
    """
    try:
        candidates = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = min(candidates, key=lambda each: each[0] != socket.AF_INET)
        opened = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error, option) from None
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ipv6_only and family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    try:
        opened.bind(address)
        if backlog:
            opened.listen(backlog)
    except OSError as error:
        opened.close()
        raise _cannot_listen(host, port, error, option) from None
    return opened


def check_port_free(host: str, port: int, option: str) -> None:
    """Check that a server could listen on the address.

    Raises:
        UsageError: as `bind_socket`.
    """
    bind_socket(host, port, option).close()


FREE_PORTS = range(20_000, 32_768)
"""Below those that systems give to outgoing connections (Linux from 32768 on, others from 49152 on), one of which may
take a port at any moment before a server listens on it, or while the server is restarted."""
TRIES = 100


def free_port(host: str = "127.0.0.1") -> int:
    """Return a port that was free a moment ago.

    Raises:
        UsageError: the host is none of this machine's, or no port is free.
    """
    for left in reversed(range(TRIES)):
        port = _any_port()
        try:
            bind_socket(host, port, "none").close()
        except UsageError:
            if not left:
                raise
        else:
            break
    return port


def _any_port() -> int:
    """Return one of `FREE_PORTS`, by no seed that other processes may share, and without imports that take time."""
    return FREE_PORTS[int.from_bytes(os.urandom(8)) % len(FREE_PORTS)]


def _cannot_listen(host: str, port: int, error: OSError, option: str) -> UsageError:
    return UsageError(
        f"cannot listen on {authority(host, port)} ({error.strerror or error}); choose another with {option}"
    )
