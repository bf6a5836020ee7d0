"""Find the records in the JSON of a Firehose request while it arrives, so that no body is kept as a whole."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from pipeline.ingest.unwrap.document import Verdict, first_value
from pipeline.receive.errors import BodyError

MAX_RECORDS = 10_000
MAX_DATA = 1_365_336
"""Characters of a record's base64."""
MAX_VALUE = 2 * 1024 * 1024
"""Bytes of a record, or of another member, with everything around it."""
MAX_NAME = 1024
"""Bytes of the name of a member, with the blanks around it."""

BLANKS = re.compile(rb"[ \t\r\n]*+")
RECORD = re.compile(rb'[ \t\r\n]*+\{[ \t\r\n]*+"data"[ \t\r\n]*+:[ \t\r\n]*+"([A-Za-z0-9+/=]*+)"[ \t\r\n]*+\}')
"""A record as Firehose writes it; any other is parsed."""
NAME = re.compile(rb'[ \t\r\n]*+"([^"\\]*+)"[ \t\r\n]*+:[ \t\r\n]*+')
ADVICE = 'expected {"requestId": "...", "timestamp": 0, "records": [{"data": "BASE64"}]}'


class ScannedRecord(NamedTuple):
    """The base64 text of a record; if it has none, `problem` says why, and `data` is all of the record."""

    data: bytes
    problem: str = ""


class _Record(msgspec.Struct):
    data: str


_record = msgspec.json.Decoder(_Record)
_text = msgspec.json.Decoder(str)


class RecordScanner:
    """Reads the members of the body one after the other; `request_id` is the body's own, once it was read."""

    def __init__(self) -> None:
        self.request_id = ""
        self.count = 0
        self._buffer = bytearray()
        self._position = 0
        self._name = b""
        self._step: Callable[[], ScannedRecord | None] = self._open
        self._has_records = False

    @property
    def held(self) -> int:
        """Return the bytes that wait for the rest of their record."""
        return len(self._buffer)

    def feed(self, text: bytes) -> Iterator[ScannedRecord]:
        """Yield the records that are complete with the next bytes of the body.

        Raises:
            BodyError: the body is not of Firehose's form, or beyond a limit.
        """
        self._buffer += text
        while True:
            before = self._step, self._position
            if (record := self._step()) is not None:
                yield record
            elif (self._step, self._position) == before:
                break
        del self._buffer[: self._position]
        self._position = 0
        if len(self._buffer) > MAX_VALUE:
            raise BodyError(f"a record has more than {MAX_VALUE} bytes; a record's data has at most {MAX_DATA}")

    def finish(self) -> None:
        """Check that the body is complete.

        Raises:
            BodyError: it is not.
        """
        if self._step != self._end:
            raise BodyError(f"the body is not complete JSON; {ADVICE}")
        if not self._has_records:
            raise BodyError(f"the body has no records; {ADVICE}")

    # Each step reads what it can, and moves on to the next; it leaves all as it is where more text is needed.

    def _open(self) -> None:
        if self._next_byte() is not None:
            self._expect(b"{")
            self._step = self._first_member

    def _first_member(self) -> None:
        if self._next_byte() == b"}":
            self._take()
            self._step = self._end
        else:
            self._member()

    def _member(self) -> None:
        if self._next_byte() is None:
            return
        name = NAME.match(self._buffer, self._position)
        if name is None:
            if len(self._buffer) - self._position > MAX_NAME or self._buffer.find(b":", self._position) >= 0:
                raise BodyError(f"the body has something other than a member where one should be; {ADVICE}")
            return
        if name.end() == len(self._buffer):
            return  # its value, and whether blanks end here, is not known yet
        self._position, self._name = name.end(), name[1]
        self._step = self._open_records if self._name == b"records" else self._member_value

    def _member_value(self) -> None:
        if (raw := self._value()) is None:
            return
        if self._name == b"requestId":
            self.request_id = self._request_id(raw)
        self._step = self._after_member

    def _open_records(self) -> None:
        self._expect(b"[")
        self._has_records, self._step = True, self._first_record

    def _first_record(self) -> ScannedRecord | None:
        if self._next_byte() != b"]":
            return self._read_record()
        self._take()
        self._step = self._after_member
        return None

    def _read_record(self) -> ScannedRecord | None:
        if match := RECORD.match(self._buffer, self._position):
            record, self._position = ScannedRecord(match[1]), match.end()
        elif self._buffer.find(b"}", self._position) < 0 and self._next_byte() in {None, b"{"}:
            return None
        elif (raw := self._value()) is not None:
            record = _parsed(raw)
        else:
            return None
        self.count += 1
        if self.count > MAX_RECORDS:
            raise BodyError(f"the body has more than {MAX_RECORDS} records")
        self._step = self._after_record
        if len(record.data) > MAX_DATA and not record.problem:
            return ScannedRecord(
                record.data, f"its data has {len(record.data)} characters; at most {MAX_DATA} are read"
            )
        return record

    def _after_record(self) -> None:
        match self._next_byte():
            case None:
                return
            case b"]":
                self._step = self._after_member
            case b",":
                self._step = self._read_record
            case _:
                raise BodyError(f"the body is not JSON after record {self.count}; {ADVICE}")
        self._take()

    def _after_member(self) -> None:
        match self._next_byte():
            case None:
                return
            case b"}":
                self._step = self._end
            case b",":
                self._step = self._member
            case _:
                raise BodyError(f"the body is not JSON; {ADVICE}")
        self._take()

    def _end(self) -> None:
        if self._next_byte() is not None:
            raise BodyError("the body has something after its JSON object")

    def _next_byte(self) -> bytes | None:
        """Skip blanks, and return the next byte; None where more text is needed."""
        if blanks := BLANKS.match(self._buffer, self._position):
            self._position = blanks.end()
        return bytes(self._buffer[self._position : self._position + 1]) or None

    def _take(self) -> None:
        self._position += 1

    def _expect(self, byte: bytes) -> None:
        if self._next_byte() != byte:
            raise BodyError(f"the body is not the JSON of a Firehose request; {ADVICE}")
        self._take()

    def _value(self) -> bytes | None:
        """Take the JSON value that begins here; return None where more text is needed."""
        with memoryview(self._buffer) as buffer, buffer[self._position :] as text:
            verdict, size = first_value(text)
            is_last = size == len(text)  # a number may go on
            value = bytes(text[:size])
        if verdict is Verdict.BROKEN:
            raise BodyError(f"the body is not JSON at a member, or a record; {ADVICE}")
        if verdict is Verdict.OPEN or is_last:
            return None
        self._position += size
        return value

    @staticmethod
    def _request_id(raw: bytes) -> str:
        try:
            return _text.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise BodyError(f"requestId is not a text; {ADVICE}") from None


def _parsed(raw: bytes) -> ScannedRecord:
    """Read a record that is not written as Firehose does; it need not be one."""
    try:
        return ScannedRecord(_record.decode(raw).data.encode())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return ScannedRecord(raw, f"not a record of Firehose: {error}")
