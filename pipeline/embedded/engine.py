"""Run a bounded number of statements at a time on the engine, each on its own handle."""

import asyncio
import concurrent.futures
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.embedded.data_folder import open_folder
from pipeline.embedded.errors import AbandonedError, ClickHouseCode, EngineError, engine_error, error_of_engine
from pipeline.embedded.handle import EngineResult, EngineStatement, escape, execute

HANDLES = 8
"""Statements that run at the same time."""
OWN_HANDLES = 3
"""Handles that are reserved for Turnfold's own processes."""
WAIT_SECONDS = 20.0
"""Seconds that a statement waits for a handle."""
END_SECONDS = 10.0
"""Seconds that a statement has to end after it was killed."""


class Engine:
    """ClickHouse's engine on one data folder.

    A handle costs a tenth of a millisecond, so each statement gets a new one: no setting, database or temporary table
    of one statement affects the next.
    """

    def __init__(
        self, path: Path, *, handles: int = HANDLES, wait_seconds: float = WAIT_SECONDS, clusters: str = ""
    ) -> None:
        """Open the folder.

        Raises:
            UsageError: the folder cannot be opened.
        """
        self._opened = open_folder(path, clusters)
        self._threads = concurrent.futures.ThreadPoolExecutor(handles, thread_name_prefix="statement")
        self._ending = self._closed = False
        self._keeper_lock = threading.Lock()
        self._running: dict[concurrent.futures.Future[EngineResult], str] = {}
        self._handles = asyncio.Semaphore(handles)
        self._free_to_clients = asyncio.Semaphore(max(1, handles - OWN_HANDLES))
        self._wait_seconds = wait_seconds
        row = self._opened.keeper.query("SELECT version(), timezone()", "TabSeparated").bytes()
        self.version, self.timezone = row.decode().split()

    @property
    def incoming(self) -> Path:
        """The folder for the data of INSERTs until the engine reads them."""
        return self._opened.incoming

    async def run(self, statement: EngineStatement, emit: Callable[[bytes], None] | None = None) -> EngineResult:
        """Run a statement once a handle is free. If the caller of a read is cancelled, the read is killed.

        Args:
            statement: the statement to run.
            emit: receives the chunks of a streamed result, in the thread of the statement.

        Raises:
            EngineError: the engine refuses the statement, or no handle became free in time.
        """
        lanes = (self._handles,) if statement.own else (self._free_to_clients, self._handles)
        await self._acquire(lanes)
        try:
            tag = await self._claim_tag(statement)
        except BaseException:
            self._release_lanes(lanes)
            raise
        loop = asyncio.get_running_loop()
        running = self._threads.submit(self._run, statement, tag, emit)
        self._running[running] = tag
        # a handle is free only when the engine has finished, even if the caller has given up before
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(self._finish, done, lanes))
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            if statement.reads and not running.done():
                loop.run_in_executor(None, self._kill, _has_tag(tag))
            raise

    async def _claim_tag(self, statement: EngineStatement) -> str:
        """Return the unique tag by which a statement can be killed: the query id of its client, or a random one."""
        tag = statement.query_id or uuid.uuid4().hex
        if statement.replaces and tag in self._running.values():
            await asyncio.to_thread(self._kill, _has_tag(tag))
            deadline = asyncio.get_running_loop().time() + END_SECONDS
            while tag in self._running.values() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - bounded
                await asyncio.sleep(0.02)
        if tag in self._running.values():
            message = f"Query with id = {tag} is already running; replace_running_query = 1 ends it first"
            raise engine_error(ClickHouseCode.QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, message)
        return tag

    async def end(self, grace: float = 0.0) -> None:
        """Refuse further statements, give those that run `grace` seconds to finish, and then kill them."""
        self._ending = True
        loop = asyncio.get_running_loop()
        started = loop.time()
        while self._running and (elapsed := loop.time() - started) < grace + END_SECONDS:
            if elapsed >= grace:
                await asyncio.to_thread(self._kill, "Settings['log_comment'] != ''")
            await asyncio.sleep(0.1)

    async def close(self) -> bool:
        """End all statements and close the engine; return False if a statement ignores KILL QUERY."""
        await self.end()
        if self._running:
            return False
        self._threads.shutdown()
        with self._keeper_lock:
            self._closed = True
            self._opened.keeper.close()
        return True

    async def _acquire(self, lanes: Sequence[asyncio.Semaphore]) -> None:
        acquired: list[asyncio.Semaphore] = []
        try:
            async with asyncio.timeout(self._wait_seconds):
                for lane in lanes:
                    await lane.acquire()
                    acquired.append(lane)
        except BaseException as error:
            self._release_lanes(acquired)
            if not isinstance(error, TimeoutError):
                raise
            message = f"All handles were busy for {self._wait_seconds:g} seconds; try again later"
            raise engine_error(ClickHouseCode.TOO_MANY_SIMULTANEOUS_QUERIES, message) from None
        if self._ending:
            self._release_lanes(lanes)
            raise engine_error(ClickHouseCode.ABORTED, "The server is stopping")

    def _finish(self, done: concurrent.futures.Future[EngineResult], lanes: Sequence[asyncio.Semaphore]) -> None:
        del self._running[done]
        self._release_lanes(lanes)

    def _release_lanes(self, lanes: Sequence[asyncio.Semaphore]) -> None:
        for lane in lanes:
            lane.release()

    def _run(self, statement: EngineStatement, tag: str, emit: Callable[[bytes], None] | None) -> EngineResult:
        try:
            handle = self._opened.open_handle()
            try:
                return execute(handle, statement, tag, emit)
            finally:
                handle.close()
        except (EngineError, AbandonedError):
            raise
        except Exception as error:  # noqa: BLE001 - chdb raises several types
            raise error_of_engine(error) from None

    def _kill(self, condition: str) -> None:
        with self._keeper_lock:
            if not self._closed:
                self._opened.keeper.query(f"KILL QUERY WHERE {condition} ASYNC")


def _has_tag(tag: str) -> str:
    return f"Settings['log_comment'] = '{escape(tag)}'"
