"""Any HTTP request in, the same out of the application behind; who asked for what, and got how much, written down."""

import logging
import os
import sys
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler

from starlette.types import ASGIApp, Receive, Scope, Send

from pipeline.config.logging import JsonLines
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError

NAME = "turnfold.audit"

log = logging.getLogger(__name__)


@dataclass(slots=True)
class AuditRecord:
    """What is written of a request: nothing of what was said in conversations, nor whose they are.

    A route fills it in as it comes to know more. `key` is empty until it is certain who asks; `window` is in ms,
    exclusive; `rows` is the number of conversations or turns in the answer.
    """

    operation: str
    key: str = ""
    bot: str = ""
    window: tuple[int, int] | None = None
    rows: int = 0


class AuditMiddleware:
    """Writes a line for each request whose route has put an Entry into `scope["entry"]`, however it ends."""

    def __init__(self, app: ASGIApp, log: logging.Logger) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, and its answer back."""
        try:
            await self._app(scope, receive, send)
        finally:
            if entry := scope.get("entry"):
                host = scope["client"][0] if scope.get("client") else ""
                about = {"request": scope.get("request_id"), "client": host, "status": scope["status"], **asdict(entry)}
                self._log.info("asked", extra=about)


class AuditFile(WatchedFileHandler):
    """A file that only its owner can read, also when it is made anew because whoever rotates logs has moved it away.

    While it cannot be written, its lines go into the log of this process, and questions are answered all the same.
    """

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_private)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        try:
            super().emit(record)
        except OSError:  # of a file that cannot be opened, which logging lets pass
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Write it elsewhere."""
        log.error("the audit cannot be written (%s), so this is where it goes", sys.exc_info()[1])
        logging.getLogger().handle(record)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def audit_log(settings: Settings) -> logging.Logger:
    """The file that the settings name, one JSON object a line; else the log of this process, where keys say who asks.

    Raises:
        UsageError: the file cannot be written.
    """
    if settings.api_audit:
        return _log_file(settings.api_audit)
    audit = logging.getLogger(NAME)
    audit.disabled = not settings.api_keys  # without them it is always the same, whoever is on this machine
    return audit


def _log_file(path: str) -> logging.Logger:
    try:
        handler = AuditFile(path)
    except OSError as error:
        raise UsageError(f"TURNFOLD_API_AUDIT={path} cannot be written: {error.strerror}") from None
    handler.setFormatter(JsonLines())
    audit = logging.Logger(NAME)  # noqa: LOG001 - not one of the tree: nobody else writes into this file
    audit.addHandler(handler)
    return audit
