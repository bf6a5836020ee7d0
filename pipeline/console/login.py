"""Let people log in where access keys are required: a bearer token becomes a cookie that ends with its key."""

from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from pipeline.auth.authenticator import ANYONE, AccessControl
from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.login import LOGIN_SECONDS, Logins
from schemas.access_key import AccessKey

COOKIE = "turnfold_login"
COOKIE_PATH = "/console"
HOME = "/console/"
MAX_TOKEN = 256


class LoggedOutError(Exception):
    """The reader has to log in first. The text says why, if there was a login."""


def reader(access: AccessControl, request: Request) -> AccessKey:
    """Return the access key of the reader's login, or ANYONE where keys are not configured.

    Raises:
        LoggedOutError: there is no login, or it has ended.
        KeysUnavailableError: the key file cannot be read.
    """
    if access.logins is None:
        return ANYONE
    login = request.cookies.get(COOKIE)
    if login is None:
        raise LoggedOutError("")
    try:
        return access.logins.key_of(login)
    except DeniedError as error:
        raise LoggedOutError(str(error)) from None


class LoginForm(NamedTuple):
    """A token, and the page that was asked for."""

    token: str
    target: str


async def read_form(request: Request) -> LoginForm:
    """Read the login form.

    Raises:
        DeniedError: the form is on another site.
    """
    require_own_form(request)
    async with request.form(max_files=0, max_fields=4, max_part_size=8192) as form:
        return LoginForm(str(form.get("token", "")).strip()[:MAX_TOKEN], str(form.get("next", "")))


def log_in(logins: Logins, request: Request, form: LoginForm) -> tuple[AccessKey, Response]:
    """Check the token; the response sets the cookie and shows the page that was asked for.

    Raises:
        DeniedError: the token is wrong, revoked or expired.
        KeysUnavailableError: the key file cannot be read.
    """
    key, login = logins.log_in(form.token)
    response = RedirectResponse(form.target if is_own_path(form.target) else HOME, 303)
    response.set_cookie(
        COOKIE,
        login,
        max_age=LOGIN_SECONDS,
        path=COOKIE_PATH,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return key, response


def log_out(request: Request) -> Response:
    """Remove the cookie."""
    require_own_form(request)
    response = RedirectResponse(HOME, 303)
    response.delete_cookie(COOKIE, path=COOKIE_PATH, httponly=True, samesite="strict")
    return response


def require_own_form(request: Request) -> None:
    """Raise DeniedError for a form that a page of another site has sent."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise DeniedError(Denial.FORBIDDEN, "this form was sent by another site")


def is_own_path(target: str) -> bool:
    """Return whether a target is a page of the console: a login must not send people elsewhere."""
    return target.startswith(HOME) and "\\" not in target and target.isprintable() and target.isascii()


def require_logins(access: AccessControl) -> Logins:
    """Return the logins; without keys there is no login page."""
    if access.logins is None:
        raise HTTPException(404)
    return access.logins
