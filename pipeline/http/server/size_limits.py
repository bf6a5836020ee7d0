"""Bound the bytes of a connection's requests; what goes beyond is refused with an answer."""

import enum
import logging
import uuid
from collections.abc import Iterable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from pipeline.http.disconnects import Disconnecting
from pipeline.http.errors import ANALYTICS, ErrorCode, ErrorResponse
from pipeline.http.middleware.request_context import ID_HEADER

MALFORMED = ErrorResponse(ANALYTICS.invalid, "this is no request of HTTP/1.1")
TOO_LARGE = ErrorResponse(
    ErrorCode("RequestHeaderFieldsTooLargeException", 431),
    "the request line and headers are too large, or there are too many headers",
)
LATE = ErrorResponse(ErrorCode("RequestTimeoutException", 408), "the request did not arrive in time; send it at once")
CLOSE = (b"connection", b"close")

log = logging.getLogger(__name__)


def turned_away(failure: ErrorResponse, client: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The whole answer, after which the connection is closed; `client` is for the log, `headers` are those of all."""
    name = str(uuid.uuid4())
    log.info("request %s of %s: %s", name, client, failure.message)
    answer = failure.response()
    lines = [b"%s: %s\r\n" % line for line in (*headers, *answer.raw_headers, (ID_HEADER, name.encode()), CLOSE)]
    return b"".join([STATUS_LINE[answer.status_code], *lines, b"\r\n", answer.body])


PIECE = 4096
"""Bytes that are parsed at once: so exactly is a bound of bytes kept."""


class Part(enum.Enum):
    """What of a request comes next."""

    HEAD = enum.auto()
    BODY = enum.auto()


class TooManyError(Exception):
    """There are more headers than may be."""


class SizeLimitedProtocol(Disconnecting):
    """uvicorn's protocol with bounds of size, which hold for each request of a connection."""

    head_bytes = 32 * 1024
    """Of request line and headers."""
    head_count = 100
    """Headers."""
    body_bytes = 8 * 1024 * 1024
    """Of a body. Far less of it is read; the rest is thrown away, so that the answer is not thrown away with it: who is
    still sending when a connection is closed may never see what came back."""
    frame_bytes = 512 * 1024
    """Of what is around the chunks of a body: their sizes, and headers that come last, which the parser gathers."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.begun = False
        """Whether there is a request at all, whose head is complete."""
        self.part = Part.HEAD
        self.count = 0
        """Bytes of that part; of a body, those around it."""
        self.thrown = 0
        """Bytes of a body, or of what comes from a client that was turned away."""
        self.refusal: ErrorResponse | None = None
        """Why nothing more is read."""
        self.told = False
        """Whether the client has been told so."""
        self._held = b""
        self._deaf = False

    @property
    def busy(self) -> bool:
        """Whether a request is being answered, or waits to be."""
        return self.begun and not self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Parse what has come, or hold it until its turn."""
        if self.told:
            self.thrown += len(data)
            self._check()
            return
        self._held += data
        self._read()

    def on_response_complete(self) -> None:
        """Go on with what is held."""
        super().on_response_complete()
        if self.refusal and not self.told and not self.busy:
            self._tell(self.refusal)
        self._read()

    def on_message_begin(self) -> None:
        """Begin with a head."""
        super().on_message_begin()
        self.count = self.count or 1  # where the last request ended in the same piece, so as to be more than nothing

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; not one that comes after the body, which would change what may have been read already."""
        if self.part is Part.BODY:
            return
        if len(self.headers) >= self.head_count:
            raise TooManyError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer, and go on with the body."""
        super().on_headers_complete()
        self.begun, self.part, self.count, self.thrown = True, Part.BODY, 0, 0
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # it is answered as if it had not asked; what follows it may be no HTTP

    def on_body(self, body: bytes) -> None:
        """Pass some of the body on."""
        super().on_body(body)
        self.count -= len(body)
        self.thrown += len(body)

    def on_message_complete(self) -> None:
        """Go on with the next head."""
        super().on_message_complete()
        self.part, self.count = Part.HEAD, 0

    def refuse(self, failure: ErrorResponse) -> None:
        """Read no more, and say why once all that was asked before is answered."""
        self.refusal = failure
        if self.part is Part.HEAD:
            if not self.busy:
                self._tell(failure)
        elif self.busy and not self.pipeline and not self.cycle.response_started:
            self.tell_left()  # it has no other answer
            self._tell(failure)
        else:
            self.end()

    def end(self) -> None:
        """Close the connection when what was written has been taken."""
        self.tell_left()
        self.transport.close()

    def _read(self) -> None:
        """Parse what is held, until a request would have to wait for the one before: clients may not pile them up."""
        data, self._held = memoryview(self._held), b""
        if data:
            self._unset_keepalive_if_required()
        at = 0
        while at < len(data) and not (self.pipeline or self.refusal or self._deaf or self.transport.is_closing()):
            self._parse(data[at : at + PIECE])
            at += PIECE
        if self.pipeline:
            self._held = bytes(data[at:])
        if (self.pipeline or self._deaf or self.refusal) and not (self.told or self.transport.is_closing()):
            self.flow.pause_reading()  # until an answer is complete

    def _parse(self, piece: memoryview) -> None:
        self.count += len(piece)
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            self._deaf = True
        except httptools.HttpParserError as error:
            self.refuse(TOO_LARGE if isinstance(error.__context__, TooManyError) else MALFORMED)
        else:
            self._check()

    def _check(self) -> None:
        if self.part is Part.HEAD and self.count > self.head_bytes and not self.told:
            self.refuse(TOO_LARGE)
        elif self.thrown > self.body_bytes or (self.part is Part.BODY and self.count > self.frame_bytes):
            self.end()

    def _tell(self, failure: ErrorResponse) -> None:
        """Answer without the application, as it would."""
        self.told, self.thrown = True, 0
        client = self.client[0] if self.client else ""
        self.transport.write(turned_away(failure, client, self.server_state.default_headers))
