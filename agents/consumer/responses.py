"""Collect each of Kafka's responses as it arrives, and join it once.

aiokafka reads responses through an asyncio stream, whose buffer grows by being copied, and which stops reading whenever
it holds 128 KB. A fetch of several megabytes takes twice as long that way.
"""

import asyncio
import struct
import weakref
from collections.abc import Callable
from typing import Any

import aiokafka.conn

LENGTH = struct.Struct(">i")
"""The number of bytes of the response that follows."""


class ResponseProtocol(asyncio.Protocol):
    """Receives responses in place of a stream, which is still told of everything else."""

    def __init__(self, stream: asyncio.StreamReaderProtocol, handle: Callable[[bytes], None]) -> None:
        """Pass each response to `handle`. The stream ends with the connection, or with an error of `handle`."""
        self._stream, self._handle = stream, handle
        self._parts: list[bytes] = []
        self._missing, self._is_length = LENGTH.size, True

    def data_received(self, data: bytes) -> None:
        """Receive the next bytes: any part of a response, or of several."""
        while len(data) >= self._missing:
            self._parts.append(data[: self._missing])
            data = data[self._missing :]
            received, self._parts = b"".join(self._parts), []
            if self._is_length:
                self._missing, self._is_length = max(0, *LENGTH.unpack(received)), False
            else:
                self._missing, self._is_length = LENGTH.size, True
                self._handle(received)
        if data:
            self._parts.append(data)
            self._missing -= len(data)

    def eof_received(self) -> bool | None:
        """Tell the stream."""
        return self._stream.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the stream."""
        self._stream.connection_lost(exc)

    def pause_writing(self) -> None:
        """Tell the stream."""
        self._stream.pause_writing()

    def resume_writing(self) -> None:
        """Tell the stream."""
        self._stream.resume_writing()


class KafkaConnection(aiokafka.conn.AIOKafkaConnection):
    """A connection whose stream receives no data: aiokafka's task that reads it only waits for the end."""

    def _create_reader_task(self) -> Any:
        this = weakref.ref(self)  # as aiokafka does it: the transport must not keep a connection that is not closed

        def handle(response: bytes) -> None:
            connection = this()
            if connection is not None and connection.connected():
                connection._handle_frame(response)  # noqa: SLF001 - of this class

        self._writer.transport.set_protocol(ResponseProtocol(self._protocol, handle))
        return super()._create_reader_task()


def collect_responses() -> None:
    """Have all aiokafka clients of this process receive their responses by a `ResponseProtocol`."""
    aiokafka.conn.AIOKafkaConnection = KafkaConnection
