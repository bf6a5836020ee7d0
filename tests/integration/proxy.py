"""Run a TCP proxy before ClickHouse that can be slow, cut connections, damage answers, or answer errors itself."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CHUNK = 4096

OUT_OF_MEMORY = (241, "Memory limit (total) exceeded. (MEMORY_LIMIT_EXCEEDED)")
TOO_MANY_PARTS = (252, "Too many parts. Merges are processing significantly slower than inserts. (TOO_MANY_PARTS)")
READ_ONLY = (242, "Table is in readonly mode. (TABLE_IS_READ_ONLY)")


@dataclass
class ProxyFaults:
    """Faults of all connections from now on; a test sets them at any time."""

    delay: float = 0.0
    cut_after: int | None = None
    error: tuple[int, str] | None = None
    damage: Callable[[bytes], bytes] | None = None
    cuts: int = 0
    errors: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)


class Proxy:
    """Forwards bytes in both directions, with the faults."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self.faults = ProxyFaults()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listening = threading.Event()
        self._stop: asyncio.Event | None = None

    def start(self) -> None:
        """Listen on a free port."""
        self._thread.start()
        assert self._listening.wait(60)

    def stop(self) -> None:
        """Close everything."""
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._listening.set()
        await self._stop.wait()
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            if self.faults.error:
                await self._answer_error(reader, writer)
            else:
                await self._pass(reader, writer)
        writer.close()

    async def _answer_error(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Return an error response of ClickHouse: the code in a header, the text in the body."""
        code, text = self.faults.error or (0, "")
        await reader.readuntil(b"\r\n\r\n")
        self.faults.errors += 1
        body = f"Code: {code}. DB::Exception: {text}".encode()
        head = f"HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: {code}\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        try:
            both = [
                asyncio.ensure_future(self._copy(reader, back, cut=True)),
                asyncio.ensure_future(self._copy(there, writer)),
            ]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            for one in both:
                one.cancel()
        finally:
            back.close()

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, cut: bool = False) -> None:
        passed = 0
        while chunk := await source.read(CHUNK):
            faults = self.faults
            if cut and (faults.error or (faults.cut_after is not None and passed + len(chunk) > faults.cut_after)):
                faults.cuts += 1
                return
            await asyncio.sleep(faults.delay)
            sink.write(faults.damage(chunk) if faults.damage and not cut else chunk)
            await sink.drain()
            passed += len(chunk)


@contextmanager
def proxy(target: str) -> Iterator[Proxy]:
    """Run a proxy before `target` during the block."""
    made = Proxy(target)
    made.start()
    try:
        yield made
    finally:
        made.stop()
