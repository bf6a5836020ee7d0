"""Prepare what the processes of a query layer get from their parent, and check it once for all of them."""

import os
import secrets
from pathlib import Path

import msgspec

from pipeline.auth.authenticator import AccessControl
from pipeline.config.load import PREFIX
from pipeline.config.settings import Settings
from pipeline.http.middleware.audit_log import audit_log
from pipeline.http.processes.metrics import FOLDER_VARIABLE
from pipeline.http.server.config import tls_context
from pipeline.runtime.clock import now_ms


class ProcessMembership(msgspec.Struct, frozen=True):
    """What the parent passes to one of its processes.

    Attributes:
        number: from 1.
        parent: the parent's process id.
        folder: of the table and the metrics.
        listening: file descriptor of the socket on which all processes accept connections.
        keeper: file descriptor of the connection to the parent, which keeps the limits of access keys.
    """

    number: int
    parent: int
    folder: str
    listening: int
    keeper: int


def check_settings(settings: Settings) -> None:
    """Check the files that each process will open, so that a mistake is reported once.

    Raises:
        UsageError: the certificate or the key file cannot be used, or the audit log cannot be written.
    """
    tls_context(settings)
    AccessControl(settings, now_ms)
    for handler in audit_log(settings).handlers:
        handler.close()


def member_environ(settings: Settings, folder: Path) -> dict[str, str]:
    """Return the environment of the processes: one key signs tokens and logins, so that each knows those of all."""
    return {
        **os.environ,
        FOLDER_VARIABLE: str(folder),
        f"{PREFIX}TOKEN_KEY": settings.token_key or secrets.token_urlsafe(32),
        f"{PREFIX}CLICKHOUSE_PASSWORD": settings.clickhouse_password,
    }
