"""One reader's request for one screen, and what the screen needs to answer it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pipeline.auth.errors import DeniedError, ThrottledError
from pipeline.console.assets import Assets
from pipeline.console.questions import Question, Questions, ResponseStruct, SharedAnswers
from pipeline.console.slow_parts import SlowParts
from pipeline.console.url_state.view_state import ViewState
from pipeline.http.errors import ANALYTICS, BusyError, ErrorCode, error_response
from pipeline.http.middleware.request_context import AuditRecord, request_context
from pipeline.http.operations.operation import AppContext
from pipeline.query.errors import InvalidQueryError, PreconditionError
from pipeline.runtime.errors import ExceededError, StatementError, TransientError
from schemas.access_key import AccessKey, Right

CHOICES_SECONDS = 30.0
"""Seconds for which the values of filters to choose from are kept."""
GRACE_SECONDS = 0.02
"""Seconds that a page waits for its slower parts; a part that takes longer comes by itself."""
CODES = replace(ANALYTICS, not_found=ErrorCode("ResourceNotFoundException", 404))
PART_ERRORS = (
    BusyError,
    ThrottledError,
    DeniedError,
    InvalidQueryError,
    PreconditionError,
    TransientError,
    ExceededError,
    StatementError,
)


@dataclass(frozen=True, slots=True)
class Screen:
    """A screen of the console.

    Attributes:
        name: the name in the audit log and in metrics.
        path: path below `/console`, with `{parameters}`.
        right: the right that the key must have.
        show: answers a visit.
        label: the entry in the navigation; empty for none.
        parameters: parameters of the URL that only this screen knows.
    """

    name: str
    path: str
    right: Right
    show: Callable[["Visit"], Awaitable[Response]]
    label: str = ""
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Console:
    """What all screens share."""

    app: AppContext
    templates: jinja2.Environment
    assets: Assets
    screens: Sequence[Screen]
    shared: SharedAnswers = field(default_factory=SharedAnswers)
    choices: SharedAnswers = field(default_factory=lambda: SharedAnswers(CHOICES_SECONDS))
    slow_parts: SlowParts = field(default_factory=SlowParts)


@dataclass(frozen=True, slots=True)
class ScreenPart:
    """A part of a page that is slower than the rest.

    Attributes:
        name: its name in URLs.
        template: the template that shows its values.
        load: gets the values.
        label: what the reader waits for.
        meanwhile: template that is shown until then, with the values of the page; empty for the label.
    """

    name: str
    template: str
    load: Callable[[], Awaitable[Mapping[str, Any]]]
    label: str = ""
    meanwhile: str = ""


@dataclass(frozen=True, slots=True)
class LoadedPart:
    """A part that has its values, or failed, or is still to come (neither)."""

    part: ScreenPart
    values: Mapping[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a screen.

    Attributes:
        console: what all screens share.
        screen: the screen.
        request: the HTTP request.
        path: parameters of the path.
        state: the state in the URL.
        questions: asks the API's operations.
        now: milliseconds since 1970, read once.
    """

    console: Console
    screen: Screen
    request: Request
    path: Mapping[str, str]
    state: ViewState
    key: AccessKey
    questions: Questions
    now: int

    @property
    def bot_id(self) -> str:
        """Return the bot's id; empty where the screen is about none."""
        return self.path.get("botId", "")

    @property
    def audit(self) -> AuditRecord:
        """Return the audit record."""
        return self.questions.audit

    @property
    def endpoint(self) -> str:
        """Return the address of the API as the reader's browser knows it."""
        return f"{self.request.url.scheme}://{self.request.url.netloc}"

    def parameter(self, name: str) -> str:
        """Return a parameter of the URL; empty where it has none."""
        return self.request.query_params.get(name, "")

    async def ask(self, question: Question, response: type[ResponseStruct]) -> ResponseStruct:
        """Ask an operation; see `Questions.ask`."""
        return await self.questions.ask(question, response)

    def render(self, template: str, /, **values: Any) -> str:
        """Render a template."""
        known = {"visit": self, "state": self.state, "now": self.now}
        return self.console.templates.get_template(template).render(**known, **values)

    def page(self, template: str, /, status: int = 200, **values: Any) -> Response:
        """Build a response from a template."""
        return HTMLResponse(self.render(template, **values), status)

    async def part(self, parts: Sequence[ScreenPart]) -> Response | None:
        """Answer with one part alone if the URL names one of these."""
        wanted = self.parameter("part")
        for part in parts:
            if part.name == wanted:
                return self.page("part.html", loaded=await self._load(part))
        return None

    async def parts(self, parts: Sequence[ScreenPart]) -> dict[str, LoadedPart]:
        """Load the parts of a page, those that are fast enough; all of them if the URL says to wait.

        What was too slow lately is not begun: ClickHouse would work on it in vain, and the page would wait.
        """
        is_patient = bool(self.parameter("wait"))
        begun = [part for part in parts if is_patient or self._kind(part) not in self.console.slow_parts]
        tasks = {part.name: asyncio.create_task(self._load(part)) for part in begun}
        try:
            if tasks:
                await asyncio.wait(tasks.values(), timeout=None if is_patient else GRACE_SECONDS)
        except asyncio.CancelledError:  # the reader has left
            for task in tasks.values():
                task.cancel()
            raise
        for part in begun:
            if tasks[part.name].cancel():
                self.console.slow_parts.note(self._kind(part), slow=True)
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        loaded = {name: task.result() for name, task in tasks.items() if not task.cancelled()}
        return {part.name: loaded.get(part.name) or LoadedPart(part) for part in parts}

    def _kind(self, part: ScreenPart) -> Hashable:
        """Return what decides how long a part takes, more or less."""
        return self.screen.name, part.name, self.bot_id, self.state.span.seconds

    async def _load(self, part: ScreenPart) -> LoadedPart:
        began = time.monotonic()
        try:
            loaded = LoadedPart(part, await part.load())
        except PART_ERRORS as error:
            context = request_context(self.request.scope)
            return LoadedPart(part, error=error_response(error, CODES, context.request_id).message)
        self.console.slow_parts.note(self._kind(part), slow=time.monotonic() - began > GRACE_SECONDS)
        return loaded
