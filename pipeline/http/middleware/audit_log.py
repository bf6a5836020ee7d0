"""Write an audit record of each request: its key, its operation, and how many rows it was answered with."""

import logging
import os
import sys
from dataclasses import asdict
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler

from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.config.logging import JsonLines
from pipeline.config.settings import Settings
from pipeline.http.middleware.request_context import request_context
from pipeline.runtime.errors import UsageError

NAME = "turnfold.audit"

log = logging.getLogger(__name__)


class AuditMiddleware:
    """Log each request whose route has set an audit record in its context, also one that fails."""

    def __init__(self, app: ASGIApp, log: logging.Logger) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log it when it has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        context = request_context(scope)
        try:
            await self._app(scope, receive, send)
        finally:
            if context.audit:
                host = scope["client"][0] if scope.get("client") else ""
                extra = {"request": context.request_id, "client": host, "status": context.status}
                self._log.info("request", extra=extra | asdict(context.audit))


class AuditFile(WatchedFileHandler):
    """A log file that only its owner can read, and that is created again after log rotation has moved it away.

    While it cannot be written, its lines go to the log of this process, and requests are still answered.
    """

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_private)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, to the log of this process if the file cannot be opened."""
        try:
            super().emit(record)
        except OSError:  # opening the file fails outside of what logging handles
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Write the line to the log of this process."""
        log.error("the audit cannot be written (%s); its lines go to this log", sys.exc_info()[1])
        logging.getLogger().handle(record)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def audit_log(settings: Settings) -> logging.Logger:
    """Return the logger of audit records: a file of JSON lines if the settings name one, else the process log.

    Without keys and without a file it is disabled.

    Raises:
        UsageError: the file cannot be written.
    """
    if settings.api_audit:
        return _log_file(settings.api_audit)
    audit = logging.getLogger(NAME)
    audit.disabled = not settings.api_keys  # without keys, every request has the same key
    return audit


def _log_file(path: str) -> logging.Logger:
    try:
        handler = AuditFile(path)
    except OSError as error:
        raise UsageError(f"TURNFOLD_API_AUDIT={path} cannot be written: {error.strerror}") from None
    handler.setFormatter(JsonLines())
    audit = logging.Logger(NAME)  # noqa: LOG001 - outside the tree of loggers, so that only audit records go to this file
    audit.addHandler(handler)
    return audit
