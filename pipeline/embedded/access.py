"""A request's headers and arguments in; nothing out, or the failure that says why it may not come in."""

import base64
import binascii
import hmac
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from pipeline.embedded.failures import Code, failure


class Account(msgspec.Struct, frozen=True):
    """The one user; without a password everybody is let in."""

    user: str = "default"
    password: str = ""


def check_account(account: Account, headers: Mapping[str, str], arguments: Mapping[str, str]) -> None:
    """Basic credentials, the X-ClickHouse headers and URL parameters are equally good, as with a server.

    Raises:
        Failure: the account has a password, and user and password are not both right.
    """
    if not account.password:
        return
    user, password = _given(headers, arguments)
    right_user = hmac.compare_digest(user.encode(), account.user.encode())
    right_password = hmac.compare_digest(password.encode(), account.password.encode())
    if not (right_user and right_password):
        sentence = "Authentication failed: the password is incorrect, or there is no such user"
        raise failure(Code.AUTHENTICATION_FAILED, sentence)


def _given(headers: Mapping[str, str], arguments: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, password
    user = headers.get("x-clickhouse-user") or arguments.get("user") or "default"
    return user, headers.get("x-clickhouse-key") or arguments.get("password", "")


def check_browser(headers: Mapping[str, str]) -> None:
    """A page from elsewhere must not reach a server on loopback through the browser that shows it.

    The engine can read and write files, so this guards more than the data. Only browsers send these headers,
    and no page can change them. A host by name, localhost aside, is whatever its owner's DNS says it is.

    Raises:
        Failure: a browser sends the request on behalf of another site.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if origin is None and site is None:
        return
    host = headers.get("host", "")
    foreign = site not in {None, "none", "same-origin"} or (origin is not None and urlsplit(origin).netloc != host)
    if foreign or not _is_local(host):
        raise failure(Code.ACCESS_DENIED, "Requests on behalf of other sites are not served")


def _is_local(host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name) is not None
    except ValueError:
        return False
