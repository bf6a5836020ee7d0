"""Check the host and the credentials of a request."""

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
    """The only user; without a password every request is accepted."""

    user: str = "default"
    password: str = ""


def check_account(account: Account, headers: Mapping[str, str], arguments: Mapping[str, str]) -> None:
    """Check user and password, from Basic credentials, X-ClickHouse headers or URL parameters, as a server does.

    Raises:
        EngineError: the account has a password, and user or password is wrong.
    """
    if not account.password:
        return
    user, password = _credentials(headers, arguments)
    right_user = hmac.compare_digest(user.encode(), account.user.encode())
    right_password = hmac.compare_digest(password.encode(), account.password.encode())
    if not (right_user and right_password):
        message = "Authentication failed: the password is incorrect, or there is no such user"
        raise engine_error(ClickHouseCode.AUTHENTICATION_FAILED, message)


def _credentials(headers: Mapping[str, str], arguments: Mapping[str, str]) -> tuple[str, str]:
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
    """Refuse requests that a web page of another site sends through the browser that shows it, whatever the method.

    A password protects the data, but `--open` sets none, and a browser remembers one. So a request must be meant for
    this server, according to its Host header and, if a browser sends them, its Origin and Sec-Fetch-Site headers.

    Args:
        headers: the headers of the request.
        own: names of this server besides those of the loopback.

    Raises:
        EngineError: the request is meant for another server, or sent on behalf of another site.
    """
    hosts = headers.getlist("host")
    if not is_own_host(hosts, own):
        names = ", ".join(("localhost", "127.0.0.1", "[::1]", *own))
        message = f"Requests to {', '.join(hosts)[:100]!r} are not answered, only to {names}; --name adds another"
        raise engine_error(ClickHouseCode.ACCESS_DENIED, message)
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site not in {None, "none", "same-origin"} or (origin is not None and urlsplit(origin).netloc != hosts[0]):
        raise engine_error(ClickHouseCode.ACCESS_DENIED, "Requests on behalf of other sites are not served")
