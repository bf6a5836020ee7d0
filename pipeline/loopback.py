"""A host's name or address in; whether it can only be this machine, whatever anybody's DNS says, out."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether `host` is localhost or an address of the loopback; one of IPv6 may stand in brackets."""
    if host.lower().removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
