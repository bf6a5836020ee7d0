"""Statements in, the engine's answers out: a bounded number at a time, each on a handle of its own."""

import asyncio
import concurrent.futures
import threading
import uuid
from pathlib import Path

from pipeline.embedded.failures import Code, engine_failure, failure
from pipeline.embedded.folder import open_folder
from pipeline.embedded.handle import Answer, Statement, execute

HANDLES = 8
WAIT_SECONDS = 20.0
END_SECONDS = 10.0


class Engine:
    """ClickHouse's engine on one folder.

    A handle costs a tenth of a millisecond, so each statement has a new one: no setting, database or
    temporary table of the one reaches the next.
    """

    def __init__(self, path: Path, *, handles: int = HANDLES, wait_seconds: float = WAIT_SECONDS) -> None:
        """Opens the folder.

        Raises:
            UsageError: it cannot be opened.
        """
        self._opened = open_folder(path)
        self._threads = concurrent.futures.ThreadPoolExecutor(handles, thread_name_prefix="statement")
        self._ending = self._closed = False
        self._keeper_free = threading.Lock()
        self._running: set[concurrent.futures.Future[Answer]] = set()
        self._free = asyncio.Semaphore(handles)
        self._wait_seconds = wait_seconds
        row = self._opened.keeper.query("SELECT version(), timezone()", "TabSeparated").bytes()
        self.version, self.timezone = row.decode().split()

    @property
    def incoming(self) -> Path:
        """A folder for data on their way in."""
        return self._opened.incoming

    async def run(self, statement: Statement) -> Answer:
        """Runs a statement once a handle is free. Whoever cancels the wait for a read ends the read.

        Raises:
            Failure: the engine refuses it, or no handle became free in time.
        """
        await self._acquire()
        loop = asyncio.get_running_loop()
        tag = uuid.uuid4().hex
        running = self._threads.submit(self._run, statement, tag)
        self._running.add(running)
        # a handle is free again when the engine lets go of it, however short the caller's patience was
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(self._release, done))
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            if statement.reads and not running.done():
                loop.run_in_executor(None, self._kill, f"Settings['log_comment'] = '{tag}'")
            raise

    async def end(self, grace: float = 0.0) -> None:
        """Takes no more statements; those that still run have `grace` seconds, and are then ended."""
        self._ending = True
        loop = asyncio.get_running_loop()
        started = loop.time()
        while self._running and (passed := loop.time() - started) < grace + END_SECONDS:
            if passed >= grace:
                await asyncio.to_thread(self._kill, "Settings['log_comment'] != ''")
            await asyncio.sleep(0.1)

    async def close(self) -> bool:
        """Ends everything; whether that was possible: a statement may be deaf."""
        await self.end()
        if self._running:
            return False
        self._threads.shutdown()
        with self._keeper_free:
            self._closed = True
            self._opened.keeper.close()
        return True

    async def _acquire(self) -> None:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._free.acquire()
        except TimeoutError:
            sentence = f"All handles were busy for {self._wait_seconds:g} seconds; try again later"
            raise failure(Code.TOO_MANY_SIMULTANEOUS_QUERIES, sentence) from None
        if self._ending:
            self._free.release()
            raise failure(Code.ABORTED, "The server is stopping")

    def _release(self, done: concurrent.futures.Future[Answer]) -> None:
        self._running.discard(done)
        self._free.release()

    def _run(self, statement: Statement, tag: str) -> Answer:
        try:
            handle = self._opened.handle()
            try:
                return execute(handle, statement, tag)
            finally:
                handle.close()
        except Exception as error:  # noqa: BLE001 - chdb raises several kinds; each is an answer
            raise engine_failure(error) from None

    def _kill(self, which: str) -> None:
        with self._keeper_free:
            if not self._closed:
                self._opened.keeper.query(f"KILL QUERY WHERE {which} ASYNC")
