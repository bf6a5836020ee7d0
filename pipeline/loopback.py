"""A host's name or address in; whether it can only be this machine, whatever anybody's DNS says, out."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether `host` is localhost, a name under it, or an address of the loopback; an IPv6 one may be in brackets."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):  # RFC 6761: no resolver may make anything else of it
        return True
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).is_loopback
    except ValueError:
        return False
