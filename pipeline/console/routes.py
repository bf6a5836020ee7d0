"""Build the routes of the console below `/console/`, and answer what goes wrong with pages."""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import unquote, urlencode

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from pipeline.auth.authenticator import check_right
from pipeline.auth.errors import DeniedError
from pipeline.console.assets import Assets
from pipeline.console.login import LoggedOutError, LoginForm, log_in, log_out, read_form, reader, require_logins
from pipeline.console.output.rendering import environment
from pipeline.console.questions import Questions
from pipeline.console.screens import bots, compare, intents, overview, paths, session, sessions, status, utterances
from pipeline.console.security import PageSecurityMiddleware
from pipeline.console.url_state.view_state import is_filter, is_from_form, read_state
from pipeline.console.visit import CODES, Console, Screen, Visit
from pipeline.http.errors import error_response
from pipeline.http.middleware.request_context import AuditRecord, request_context
from pipeline.http.operations.operation import AppContext
from pipeline.query.errors import InvalidQueryError
from pipeline.runtime.errors import TransientError

PREFIX = "/console"
SCREENS: Sequence[Screen] = (
    bots.SCREEN,
    sessions.SCREEN,
    session.SCREEN,
    overview.SCREEN,
    intents.ALL,
    intents.ONE,
    paths.SCREEN,
    utterances.SCREEN,
    compare.SCREEN,
    status.SCREEN,
)
MIN_GZIP_BYTES, GZIP_LEVEL = 1024, 4

Endpoint = Callable[[Request], Awaitable[Response]]


def console_routes(app: AppContext) -> Sequence[BaseRoute]:
    """Build the routes of all screens, of login and logout, and of style sheet and script."""
    assets = Assets()
    console = Console(app, environment(assets), assets, SCREENS)

    async def login(request: Request) -> Response:
        logins = require_logins(app.access)
        if request.method == "GET":
            return _login_page(console, request, "")
        context = request_context(request.scope)
        context.operation = "ConsoleLogin"
        context.audit = audit = AuditRecord(context.operation)
        form = LoginForm("", "")
        try:
            form = await read_form(request)
            key, response = log_in(logins, request, form)
        except DeniedError as error:
            return _login_page(console, request, str(error), 403, form.target)
        audit.key = key.id
        return response

    async def logout(request: Request) -> Response:
        return log_out(request)

    async def to_console(_: Request) -> Response:
        return RedirectResponse(f"{PREFIX}/", 308)

    async def from_root(_: Request) -> Response:
        return RedirectResponse(f"{PREFIX}/", 307)  # not for ever: other programs may have this port later

    async def no_page(_: Request) -> Response:
        raise HTTPException(404)

    pages = [
        *(Route(screen.path, _endpoint(console, screen), methods=["GET"]) for screen in SCREENS),
        Route("/login", _guarded(console, login), methods=["GET", "POST"]),
        Route("/logout", _guarded(console, logout), methods=["POST"]),
        Route("/static/{hash}/{name}", _guarded(console, assets.endpoint), methods=["GET"]),
        Route("/{path:path}", _guarded(console, no_page), methods=["GET"]),
    ]
    middleware = [
        Middleware(PageSecurityMiddleware),
        Middleware(GZipMiddleware, minimum_size=MIN_GZIP_BYTES, compresslevel=GZIP_LEVEL),
    ]
    return [
        Route("/", from_root, methods=["GET"]),
        Route(PREFIX, to_console, methods=["GET"]),
        Mount(PREFIX, routes=pages, middleware=middleware),
    ]


def _endpoint(console: Console, screen: Screen) -> Endpoint:
    """Build the endpoint of a screen: authenticate, read the state, audit, limit, show."""

    async def endpoint(request: Request) -> Response:
        context = request_context(request.scope)
        context.operation = screen.name
        key = reader(console.app.access, request)
        context.audit = audit = AuditRecord(screen.name, key=key.id)
        check_right(key, screen.right)
        path = {name: _unquoted(name, value) for name, value in request.path_params.items()}
        audit.bot = path.get("botId", "")
        now = console.app.now()
        state = read_state(request, now, screen.parameters)
        if is_from_form(request.query_params.multi_items()):
            return RedirectResponse(f"?{state.url(keep=screen.parameters)}", 303)
        audit.window = state.span.after * 1000, state.span.before * 1000
        questions = Questions(console.app, console.shared, key, audit)
        async with console.app.access.slot(key):
            return await screen.show(Visit(console, screen, request, path, state, key, questions, now))

    return _guarded(console, endpoint)


def _guarded(console: Console, endpoint: Endpoint) -> Endpoint:
    """Answer errors with pages: what is missing, why, and what to do."""

    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except LoggedOutError as error:
            return _logged_out(console, request, str(error))
        except Exception as error:  # noqa: BLE001 - error_response logs what is unexpected
            context = request_context(request.scope)
            answer = error_response(error, CODES, context.request_id)
            status = 503 if isinstance(error, TransientError) else answer.code.status
            template = "part_error.html" if "part" in request.query_params else "error.html"
            page = console.templates.get_template(template).render(
                status=status,
                message=answer.message,
                back=_without_wrong_parameter(request, error),
                request_id=context.request_id,
                again=urlencode([pair for pair in request.query_params.multi_items() if pair[0] != "part"]),
            )
            return HTMLResponse(page, status, answer.headers)

    return guarded


def _logged_out(console: Console, request: Request, reason: str) -> Response:
    """Ask to log in. A link from another site comes without the cookie, which is strict: follow it once more."""
    if "part" in request.query_params:
        return Response(status_code=401)
    if request.headers.get("sec-fetch-site") == "cross-site":
        return HTMLResponse(console.templates.get_template("continue.html").render())
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return _login_page(console, request, reason, 401, target)


def _login_page(console: Console, request: Request, error: str, status: int = 200, target: str = "") -> Response:
    target = target or request.query_params.get("next", "")
    return HTMLResponse(console.templates.get_template("login.html").render(error=error, target=target), status)


def _without_wrong_parameter(request: Request, error: Exception) -> str:
    """Return the address without the parameter that is wrong, or without filters and paging if that is unclear."""
    if not isinstance(error, InvalidQueryError):
        return ""
    wrong = {"sort", "order"} if error.where.startswith("sortBy") else {error.where, "token", "part"}
    pairs = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in wrong and not (error.where.startswith("filters") and is_filter(name))
    ]
    return f"{request.url.path}?{urlencode(pairs)}"


def _unquoted(name: str, text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise InvalidQueryError(name, "expected UTF-8") from None
