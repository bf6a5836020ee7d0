"""Open the engine on a data folder, and state in one sentence why that is impossible."""

import contextlib
import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.embedded.confinement import OVERLAY_DATABASE, confining_config, prepare_default_database
from pipeline.runtime.errors import UsageError

# The machine also runs a worker, a broker and a browser: the engine gets half of its memory, and small caches.
_SERVER = "max_server_memory_usage_to_ram_ratio=0.5&mark_cache_size=268435456&index_mark_cache_size=67108864"

INCOMING = "incoming"
"""The sub-folder for the data of INSERTs until the engine reads them."""


class OpenedEngine(NamedTuple):
    """The engine, opened on a data folder."""

    open_handle: Callable[[], Any]
    """Opens a new handle."""
    keeper: Any
    """The first handle: the engine runs until the last handle is closed."""
    incoming: Path
    """An empty folder on the same disk, for the data of INSERTs until the engine reads them."""


def open_folder(path: Path, clusters: str = "") -> OpenedEngine:
    """Start the engine on `path`, which is created if missing.

    Args:
        path: the data folder.
        clusters: XML elements of its configuration that describe other servers.

    Raises:
        UsageError: chdb is missing, another process uses the folder, or the folder cannot be used.
    """
    try:
        from chdb.state.sqlitelike import Connection  # noqa: PLC0415 - only the extra installs it
    except ImportError:
        raise UsageError("the embedded stack needs the extra: pip install 'turnfold[embedded]'") from None
    folder = prepare_folder(path)
    try:
        prepare_default_database(folder)
        incoming = _recreate(folder / INCOMING)
        with confining_config(incoming, clusters) as config:
            keeper = Connection(f"{folder}?config-file={config}&{_SERVER}")
        with contextlib.suppress(*([RuntimeError] if clusters else [])):  # a configured user may lack the right
            keeper.query(f"DROP DATABASE IF EXISTS {OVERLAY_DATABASE}")
    except Exception as error:  # noqa: BLE001 - chdb raises several types
        _refuse_locked(folder)  # another process was faster
        reason = str(error).partition("\n")[0]
        raise UsageError(f"ClickHouse's engine cannot use the folder {folder}: {reason}") from None
    return OpenedEngine(lambda: Connection(str(folder)), keeper, incoming)


def prepare_folder(path: Path) -> Path:
    """Create the folder if it is missing, for its owner alone, and return its absolute path.

    Raises:
        UsageError: it cannot be used, or another process uses it.
    """
    folder = path.resolve()
    if forbidden := set(str(folder)) & set("*?{}"):  # the engine would take the name for a pattern, or for options
        raise UsageError(f"the engine cannot use a folder with {' or '.join(sorted(forbidden))} in its name: {folder}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be used: {error.strerror}") from None
    _refuse_locked(folder)
    return folder


def _refuse_locked(folder: Path) -> None:
    # The engine locks this file. Its own error message would be long.
    try:
        with (folder / "status").open("rb") as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return
    except BlockingIOError:
        raise UsageError(f"the folder {folder} is in use by another process: stop it, or use another --path") from None
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be used: {error.strerror}") from None


def _recreate(incoming: Path) -> Path:
    shutil.rmtree(incoming, ignore_errors=True)  # left behind by a killed process
    incoming.mkdir(mode=0o700)
    return incoming
