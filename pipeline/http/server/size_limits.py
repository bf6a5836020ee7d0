"""Limit the size of a connection's requests; refuse larger ones with an error response."""

import enum
import logging
import uuid
from collections.abc import Iterable
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from pipeline.http.disconnects import DisconnectProtocol
from pipeline.http.errors import ANALYTICS, ErrorCode, ErrorResponse
from pipeline.http.middleware.request_context import ID_HEADER
from pipeline.http.server.default_headers import offer

MALFORMED = ErrorResponse(ANALYTICS.invalid, "this is not an HTTP/1.1 request")
TOO_LARGE = ErrorResponse(
    ErrorCode("RequestHeaderFieldsTooLargeException", 431),
    "the request line and headers are too large, or there are too many headers",
)
LATE = ErrorResponse(
    ErrorCode("RequestTimeoutException", 408), "the request did not arrive in time; send it without pauses"
)
CLOSE = (b"connection", b"close")

log = logging.getLogger(__name__)


def refusal_bytes(error: ErrorResponse, client: str, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Encode the response that refuses a request; the connection is closed after it.

    `client` is for the log; `headers` are those of every response.
    """
    request_id = str(uuid.uuid4())
    log.info("request %s of %s: %s", request_id, client, error.message)
    response = error.response()
    lines = [
        b"%s: %s\r\n" % line for line in (*headers, *response.raw_headers, (ID_HEADER, request_id.encode()), CLOSE)
    ]
    return b"".join([STATUS_LINE[response.status_code], *lines, b"\r\n", response.body])


CHUNK_BYTES = 4096
"""Bytes that are parsed at once, and so the precision of the limits in bytes."""


class RequestPart(enum.Enum):
    """The part of a request that comes next."""

    HEAD = enum.auto()
    BODY = enum.auto()


class TooManyHeadersError(Exception):
    """The request has too many headers."""


class SizeLimitedProtocol(DisconnectProtocol):
    """uvicorn's protocol with size limits for each request of a connection."""

    head_bytes = 32 * 1024
    """Bytes of request line and headers at most."""
    max_headers = 100
    """Headers at most."""
    body_bytes = 8 * 1024 * 1024
    """Bytes of a body at most. Far fewer are read; the rest is discarded, so that the response is not lost: a client
    that is still sending when its connection is closed may never see it."""
    frame_bytes = 512 * 1024
    """Bytes around the chunks of a body at most: chunk sizes, and trailing headers, which the parser collects."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.has_request = False
        """True if the head of a request has been complete at least once."""
        self.part = RequestPart.HEAD
        self.part_bytes = 0
        """Bytes of that part; of a body, the bytes around it."""
        self.discarded = 0
        """Bytes of a body, or of input from a client that was refused."""
        self.refusal: ErrorResponse | None = None
        """The error after which nothing more is read."""
        self.refused = False
        """True if `refusal` has been sent."""
        self._buffer = b""
        self._upgraded = False

    @property
    def busy(self) -> bool:
        """Return whether a request is in progress or waiting."""
        return self.has_request and not self.cycle.response_complete

    def data_received(self, data: bytes) -> None:
        """Parse input, or buffer it until its request's turn."""
        if self.refused:
            self.discarded += len(data)
            self._check_size()
            return
        self._buffer += data
        self._parse_buffer()

    def on_response_complete(self) -> None:
        """Continue with buffered input."""
        super().on_response_complete()
        if self.refusal and not self.refused and not self.busy:
            self._send_refusal(self.refusal)
        self._parse_buffer()

    def on_message_begin(self) -> None:
        """Start the head of a request."""
        super().on_message_begin()
        self.part_bytes = self.part_bytes or 1  # the last request ended in the same chunk: count at least one byte

    def on_header(self, name: bytes, value: bytes) -> None:
        """Accept a header; ignore trailing headers, which would change headers that may have been read already."""
        if self.part is RequestPart.BODY:
            return
        if len(self.headers) >= self.max_headers:
            raise TooManyHeadersError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request, and continue with its body."""
        super().on_headers_complete()
        self.cycle.default_headers = offer(self.scope, self.cycle.default_headers)
        self.has_request, self.part, self.part_bytes, self.discarded = True, RequestPart.BODY, 0, 0
        if self.parser.should_upgrade():
            self.cycle.keep_alive = False  # answer as without an upgrade; what follows may not be HTTP

    def on_body(self, body: bytes) -> None:
        """Pass a chunk of the body on."""
        super().on_body(body)
        self.part_bytes -= len(body)
        self.discarded += len(body)

    def on_message_complete(self) -> None:
        """Continue with the next head."""
        super().on_message_complete()
        self.part, self.part_bytes = RequestPart.HEAD, 0

    def refuse(self, error: ErrorResponse) -> None:
        """Stop reading, and send `error` once all earlier requests are answered."""
        self.refusal = error
        if self.part is RequestPart.HEAD:
            if not self.busy:
                self._send_refusal(error)
        elif self.busy and not self.pipeline and not self.cycle.response_started:
            self.notify_disconnect()  # it gets no other response
            self._send_refusal(error)
        else:
            self.end()

    def _parse_buffer(self) -> None:
        """Parse buffered input until a request would wait for the one before: clients may not queue requests."""
        data, self._buffer = memoryview(self._buffer), b""
        if data:
            self._unset_keepalive_if_required()
        offset = 0
        while offset < len(data) and not (
            self.pipeline or self.refusal or self._upgraded or self.transport.is_closing()
        ):
            self._parse(data[offset : offset + CHUNK_BYTES])
            offset += CHUNK_BYTES
        if self.pipeline:
            self._buffer = bytes(data[offset:])
        if (self.pipeline or self._upgraded or self.refusal) and not (self.refused or self.transport.is_closing()):
            self.flow.pause_reading()  # until a response is complete

    def _parse(self, chunk: memoryview) -> None:
        self.part_bytes += len(chunk)
        try:
            self.parser.feed_data(chunk)
        except httptools.HttpParserUpgrade:
            self._upgraded = True
        except httptools.HttpParserError as error:
            self.refuse(TOO_LARGE if isinstance(error.__context__, TooManyHeadersError) else MALFORMED)
        else:
            self._check_size()

    def _check_size(self) -> None:
        if self.part is RequestPart.HEAD and self.part_bytes > self.head_bytes and not self.refused:
            self.refuse(TOO_LARGE)
        elif self.discarded > self.body_bytes or (self.part is RequestPart.BODY and self.part_bytes > self.frame_bytes):
            self.end()

    def _send_refusal(self, error: ErrorResponse) -> None:
        """Send `error` in the form of the application's errors, without the application."""
        self.refused, self.discarded = True, 0
        client = self.client[0] if self.client else ""
        self.transport.write(refusal_bytes(error, client, self.server_state.default_headers))
