"""A folder in, the engine opened on it out; what stands in the way is said in one sentence."""

import contextlib
import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.embedded.confinement import OVERLAY, configuration, prepare_default
from pipeline.runtime.errors import UsageError

# A machine that also runs a worker, a broker and a browser: half of its memory, and small caches.
_SERVER = "max_server_memory_usage_to_ram_ratio=0.5&mark_cache_size=268435456&index_mark_cache_size=67108864"

INCOMING = "incoming"


class Opened(NamedTuple):
    """The engine, running on a folder."""

    handle: Callable[[], Any]
    """Opens one more handle."""
    keeper: Any
    """The first one: the engine runs until the last handle is closed."""
    incoming: Path
    """An empty folder on the same disk, for data on their way in."""


def open_folder(path: Path, clusters: str = "") -> Opened:
    """Starts the engine on `path`, which is created where need be; `clusters` are elements of its configuration.

    Raises:
        UsageError: chdb is missing, another process uses the folder, or it cannot be used at all.
    """
    try:
        from chdb.state.sqlitelike import Connection  # noqa: PLC0415 - only the extra brings it
    except ImportError:
        raise UsageError("the embedded stack needs the extra: pip install 'turnfold[embedded]'") from None
    folder = usable(path)
    try:
        prepare_default(folder)
        incoming = _emptied(folder / INCOMING)
        with configuration(incoming, clusters) as confining:
            keeper = Connection(f"{folder}?config-file={confining}&{_SERVER}")
        with contextlib.suppress(*([RuntimeError] if clusters else [])):  # a user of theirs may not be allowed to
            keeper.query(f"DROP DATABASE IF EXISTS {OVERLAY}")
    except Exception as error:  # noqa: BLE001 - chdb raises several kinds
        _refuse_locked(folder)  # somebody else was faster
        reason = str(error).partition("\n")[0]
        raise UsageError(f"ClickHouse's engine cannot use the folder {folder}: {reason}") from None
    return Opened(lambda: Connection(str(folder)), keeper, incoming)


def usable(path: Path) -> Path:
    """Return the folder's whole path once it is there, for its owner alone, and nobody uses it.

    Raises:
        UsageError: it cannot be used.
    """
    folder = path.resolve()
    if wrong := set(str(folder)) & set("*?{}"):  # it would take the name for a pattern, or for options
        raise UsageError(f"the engine takes no folder with {' or '.join(sorted(wrong))} in its name: {folder}")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be used: {error.strerror}") from None
    _refuse_locked(folder)
    return folder


def _refuse_locked(folder: Path) -> None:
    # The engine locks this file. It would refuse as well, but not in one sentence.
    try:
        with (folder / "status").open("rb") as status:
            fcntl.flock(status, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return
    except BlockingIOError:
        raise UsageError(f"the folder {folder} is in use by another process: stop it, or use another --path") from None
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be used: {error.strerror}") from None


def _emptied(incoming: Path) -> Path:
    shutil.rmtree(incoming, ignore_errors=True)  # what a killed process left behind
    incoming.mkdir(mode=0o700)
    return incoming
