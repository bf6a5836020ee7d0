"""Statements in, the engine's answers out: a bounded number at a time, each on a handle of its own."""

import asyncio
import concurrent.futures
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.embedded.data_folder import open_folder
from pipeline.embedded.errors import AbandonedError, ClickHouseCode, EngineError, engine_error, error_of_engine
from pipeline.embedded.handle import EngineAnswer, EngineStatement, escaped, execute

HANDLES = 8
OWN_HANDLES = 3
"""So many of them are for Turnfold's own processes, whatever others have asked for."""
WAIT_SECONDS = 20.0
END_SECONDS = 10.0


class Engine:
    """ClickHouse's engine on one folder.

    A handle costs a tenth of a millisecond, so each statement has a new one: no setting, database or
    temporary table of the one reaches the next.
    """

    def __init__(
        self, path: Path, *, handles: int = HANDLES, wait_seconds: float = WAIT_SECONDS, clusters: str = ""
    ) -> None:
        """Opens the folder.

        Raises:
            UsageError: it cannot be opened.
        """
        self._opened = open_folder(path, clusters)
        self._threads = concurrent.futures.ThreadPoolExecutor(handles, thread_name_prefix="statement")
        self._ending = self._closed = False
        self._keeper_free = threading.Lock()
        self._running: dict[concurrent.futures.Future[EngineAnswer], str] = {}
        self._free = asyncio.Semaphore(handles)
        self._free_to_others = asyncio.Semaphore(max(1, handles - OWN_HANDLES))
        self._wait_seconds = wait_seconds
        row = self._opened.keeper.query("SELECT version(), timezone()", "TabSeparated").bytes()
        self.version, self.timezone = row.decode().split()

    @property
    def incoming(self) -> Path:
        """A folder for data on their way in."""
        return self._opened.incoming

    async def run(self, statement: EngineStatement, emit: Callable[[bytes], None] | None = None) -> EngineAnswer:
        """Runs a statement once a handle is free. Whoever cancels the wait for a read ends the read.

        Args:
            statement: what to run.
            emit: takes the pieces of a body that has some, in the thread of the statement.

        Raises:
            Failure: the engine refuses it, or no handle became free in time.
        """
        lanes = (self._free,) if statement.own else (self._free_to_others, self._free)
        await self._acquire(lanes)
        try:
            tag = await self._claim(statement)
        except BaseException:
            self._give_back(lanes)
            raise
        loop = asyncio.get_running_loop()
        running = self._threads.submit(self._run, statement, tag, emit)
        self._running[running] = tag
        # a handle is free again when the engine lets go of it, however short the caller's patience was
        running.add_done_callback(lambda done: loop.call_soon_threadsafe(self._release, done, lanes))
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            if statement.reads and not running.done():
                loop.run_in_executor(None, self._kill, _tagged(tag))
            raise

    async def _claim(self, statement: EngineStatement) -> str:
        """The tag of a statement: the id that its client gave it, by which it can be killed, and no other's."""
        tag = statement.query_id or uuid.uuid4().hex
        if statement.replaces and tag in self._running.values():
            await asyncio.to_thread(self._kill, _tagged(tag))
            deadline = asyncio.get_running_loop().time() + END_SECONDS
            while tag in self._running.values() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 - bounded
                await asyncio.sleep(0.02)
        if tag in self._running.values():
            sentence = f"Query with id = {tag} is already running; replace_running_query = 1 ends it first"
            raise engine_error(ClickHouseCode.QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING, sentence)
        return tag

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

    async def _acquire(self, lanes: Sequence[asyncio.Semaphore]) -> None:
        taken: list[asyncio.Semaphore] = []
        try:
            async with asyncio.timeout(self._wait_seconds):
                for lane in lanes:
                    await lane.acquire()
                    taken.append(lane)
        except BaseException as trouble:
            self._give_back(taken)
            if not isinstance(trouble, TimeoutError):
                raise
            sentence = f"All handles were busy for {self._wait_seconds:g} seconds; try again later"
            raise engine_error(ClickHouseCode.TOO_MANY_SIMULTANEOUS_QUERIES, sentence) from None
        if self._ending:
            self._give_back(lanes)
            raise engine_error(ClickHouseCode.ABORTED, "The server is stopping")

    def _release(self, done: concurrent.futures.Future[EngineAnswer], lanes: Sequence[asyncio.Semaphore]) -> None:
        del self._running[done]
        self._give_back(lanes)

    def _give_back(self, lanes: Sequence[asyncio.Semaphore]) -> None:
        for lane in lanes:
            lane.release()

    def _run(self, statement: EngineStatement, tag: str, emit: Callable[[bytes], None] | None) -> EngineAnswer:
        try:
            handle = self._opened.handle()
            try:
                return execute(handle, statement, tag, emit)
            finally:
                handle.close()
        except (EngineError, AbandonedError):
            raise
        except Exception as error:  # noqa: BLE001 - chdb raises several kinds; each is an answer
            raise error_of_engine(error) from None

    def _kill(self, which: str) -> None:
        with self._keeper_free:
            if not self._closed:
                self._opened.keeper.query(f"KILL QUERY WHERE {which} ASYNC")


def _tagged(tag: str) -> str:
    return f"Settings['log_comment'] = '{escaped(tag)}'"
