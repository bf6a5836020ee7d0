"""Responses arrive whole and in order, however the network cuts them; what is none ends the connection."""

import asyncio
import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import aiokafka.conn
import pytest
from aiokafka.errors import KafkaConnectionError
from hypothesis import given
from hypothesis import strategies as st

from agents.app import create_app
from agents.consumer.responses import KafkaConnection, ResponseProtocol
from pipeline.config.settings import Settings


def framed(response: bytes) -> bytes:
    """The response as Kafka sends it."""
    return struct.pack(">i", len(response)) + response


def received(parts: Sequence[bytes]) -> list[bytes]:
    """The responses that arrive in `parts`."""
    found: list[bytes] = []
    stream: Any = None
    protocol = ResponseProtocol(stream, found.append)
    for part in parts:
        protocol.data_received(part)
    return found


@given(st.lists(st.binary(max_size=20), max_size=6), st.lists(st.integers(0, 120), max_size=12))
def test_wherever_they_are_cut_they_arrive_whole(responses: list[bytes], cuts: list[int]) -> None:
    sent = b"".join(map(framed, responses))
    borders = sorted({0, len(sent), *(cut for cut in cuts if cut < len(sent))})
    parts = [sent[begin:end] for begin, end in pairwise(borders)]
    assert received(parts) == responses


def test_one_that_is_not_whole_yet_waits_for_the_rest() -> None:
    sent = framed(b"first") + framed(b"second")
    assert received([sent[:-1]]) == [b"first"]
    assert received([sent[:-1], sent[-1:]]) == [b"first", b"second"]


async def fail(answer: bytes) -> KafkaConnection:
    """Return the connection whose first request a broker answers with these bytes, before it closes it."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(answer)
        await writer.drain()
        writer.close()

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # asyncio reports what is no response, too
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        connection = KafkaConnection("127.0.0.1", server.sockets[0].getsockname()[1])
        with pytest.raises(KafkaConnectionError):
            await asyncio.wait_for(connection.connect(), 10)
        return connection


@pytest.mark.parametrize(
    "answer",
    [b"", b"\0\0", framed(b"\0\0\0\1more")[:-1], framed(b""), struct.pack(">i", -1), framed(b"\0\0\0\1")],
    ids=["nothing", "half a length", "half a response", "an empty one", "a negative length", "one without content"],
)
def test_what_is_no_response_fails_the_request_at_once(answer: bytes) -> None:
    """It must not wait for its time-out of 40 seconds, and the connection is not used again."""
    assert not asyncio.run(fail(answer)).connected()


def test_all_clients_of_a_worker_receive_so() -> None:
    create_app(Settings()).consumer._thread.thread_loop.close()
    assert aiokafka.conn.AIOKafkaConnection is KafkaConnection
