import io

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.gzip_stream import BrokenGzipError
from tests.pipeline.ingest.json_layouts import Chunks


@given(st.lists(st.sampled_from([b"a", b"\n", b"ab\n", b"\n\n", b"abc"]), min_size=1), st.data())
@settings(deadline=None)
def test_the_end_of_the_line_is_known_wherever_one_is(chunks: list[bytes], data: st.DataObject) -> None:
    buffer, text = ByteBuffer(Chunks(chunks)), b"".join(chunks)
    while buffer.grow():
        buffer.move(data.draw(st.integers(buffer.position, len(buffer.text))))
        assert text[buffer.discarded :].startswith(buffer.text)
        assert buffer.view == buffer.text
        end = buffer.text.find(b"\n", buffer.position)
        assert buffer.holds_line == (end >= 0)
        assert buffer.line_end == (end if end >= 0 else len(buffer.text))
    assert buffer.discarded + len(buffer.text) == len(text)


class Broken(io.RawIOBase):
    """Fails after the first bytes and, where it can go on, gives more."""

    def __init__(self, *steps: bytes | Exception) -> None:
        self._steps = list(steps)

    def peek(self, _: int, /) -> bytes:
        return b""

    def read1(self, _: int, /) -> bytes:
        step = self._steps.pop(0) if self._steps else b""
        if isinstance(step, Exception):
            raise step
        return step


def test_a_broken_stream_is_reported_and_resumed_if_possible() -> None:
    buffer = ByteBuffer(Broken(b"a", BrokenGzipError("cut"), b"b"))
    assert [buffer.grow(), buffer.grow(), buffer.grow()] == [True, False, False]
    assert buffer.broken == "broken gzip, read as far as it goes: cut"
    buffer.resume()
    assert (buffer.broken, buffer.grow(), buffer.text) == ("", True, b"ab")


def test_a_failing_disk_is_not_read_again() -> None:
    buffer = ByteBuffer(Broken(b"a", OSError("gone"), b"b"))
    assert [buffer.grow(), buffer.grow()] == [True, False]
    assert buffer.broken == "cannot be read any further: gone"
    buffer.resume()
    assert (buffer.broken, buffer.grow()) == ("", False)
