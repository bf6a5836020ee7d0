"""A visit of a reader, without a server."""

from typing import Any

from starlette.requests import Request

from pipeline.auth.authenticator import ANYONE
from pipeline.console.questions import Questions, SharedAnswers
from pipeline.console.screens import bots
from pipeline.console.url_state.view_state import read_state
from pipeline.console.visit import Console, Visit
from pipeline.http.middleware.request_context import AuditRecord
from tests.pipeline.query.rows import NOW

Anything: Any = None


def visit(query: str = "") -> Visit:
    """A visit with this query."""
    request = Request({"type": "http", "query_string": query.encode(), "headers": []})
    questions = Questions(Anything, SharedAnswers(), ANYONE, AuditRecord("test"))
    console = Console(Anything, Anything, Anything, ())
    return Visit(console, bots.SCREEN, request, {}, read_state(request, NOW, ()), ANYONE, questions, NOW)
