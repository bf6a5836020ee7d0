"""A request's headers and arguments in; nothing out, or the failure that says why it may not come in."""

import base64
import binascii
import hmac
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers

from pipeline.embedded.errors import ClickHouseCode, engine_error
from pipeline.runtime.sockets import is_own_host


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
        raise engine_error(ClickHouseCode.AUTHENTICATION_FAILED, sentence)


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


def check_host(headers: Headers, own: Collection[str] = ()) -> None:
    """Refuse what a page from elsewhere sends through the browser that shows it, whatever its method.

    A password guards the data, but `--open` needs none, and a browser remembers one. So a request must be meant for
    this server: by the name that it was asked under, and, where a browser says so, by the page that sends it.

    Args:
        headers: the request's.
        own: names that this server has beside those of the loopback.

    Raises:
        Failure: it is meant for somebody else, or sent on behalf of another site.
    """
    told = headers.getlist("host")
    if not is_own_host(told, own):
        names = ", ".join(("localhost", "127.0.0.1", "[::1]", *own))
        sentence = f"Requests to {', '.join(told)[:100]!r} are not answered, only to {names}; --name adds another"
        raise engine_error(ClickHouseCode.ACCESS_DENIED, sentence)
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site not in {None, "none", "same-origin"} or (origin is not None and urlsplit(origin).netloc != told[0]):
        raise engine_error(ClickHouseCode.ACCESS_DENIED, "Requests on behalf of other sites are not served")
