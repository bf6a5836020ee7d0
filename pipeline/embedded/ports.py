"""A host and a port in, a socket that listens there out; a port that is taken is named."""

import socket

from pipeline.errors import UsageError


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
