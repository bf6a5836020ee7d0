"""Receive what Amazon Data Firehose delivers to an HTTP endpoint."""

import binascii

import orjson
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from pipeline.auth.errors import Denial, DeniedError
from pipeline.http.errors import JSON
from pipeline.http.middleware.request_context import request_context
from pipeline.kafka.producer.deliveries import Delivery
from pipeline.receive.errors import RECEIVER, BodyError, MethodError, describe_error
from pipeline.receive.inflating import PlainBody, open_body
from pipeline.receive.publisher import PublishCounts, Publisher, ReceivedInput
from pipeline.receive.reception import AuthorizedReception
from pipeline.receive.record_scanner import RecordScanner, ScannedRecord
from pipeline.runtime.clock import Now

OPERATION = "Firehose"
PATH = "/firehose"
PROTOCOL_VERSION = "1.0"
MAX_BODY = 64 * 1024 * 1024
"""Bytes of a body, before and after it is decompressed."""
MAX_KEY = 4096
"""Bytes of an access key."""
MAX_MESSAGE = 8192
"""Characters of an error message."""
MAX_ID = 256
"""Characters of a request id that are sent back; Firehose's has 36."""


class FirehoseBody:
    """Reads the records of a body, each of which is an input."""

    def __init__(self, body: PlainBody, publisher: Publisher, delivery: Delivery) -> None:
        self.counts = PublishCounts()
        self._body, self._publisher, self._delivery = body, publisher, delivery
        self.scanner = RecordScanner()

    @property
    def held(self) -> int:
        """Return the bytes of the record that is not complete."""
        return self.scanner.held

    def feed(self, part: bytes) -> None:
        """Send the records that are complete with `part`."""
        for text in self._body.feed(part):
            for record in self.scanner.feed(text):
                self._publish(record)

    def finish(self) -> None:
        """Check that the body is complete."""
        self._body.finish()
        self.scanner.finish()

    def _publish(self, record: ScannedRecord) -> None:
        number, problem, data = self.scanner.count - 1, record.problem, record.data
        if not problem:
            try:
                data = binascii.a2b_base64(data, strict_mode=True)
            except binascii.Error as error:
                problem = f"the record's data is not base64: {error}"
        received = ReceivedInput(OPERATION, number, data)
        if problem:
            self._publisher.publish_dead(received, problem, self._delivery, self.counts)
        elif data.strip():  # Firehose sends empty records where its own processing drops what is in them
            self._publisher.publish(received, self._delivery, self.counts)


class FirehoseEndpoint:
    """Answers every request in the form that Firehose's protocol prescribes, also those that it refuses."""

    def __init__(self, reception: AuthorizedReception, publisher: Publisher, now: Now) -> None:
        self._reception, self._publisher, self._now = reception, publisher, now

    async def answer(self, request: Request) -> Response:
        """Receive one request. A failure is sent again by Firehose, whatever its status, unless that is 413."""
        request_id = request.headers.get("x-amz-firehose-request-id", "")[:MAX_ID]
        readers: list[FirehoseBody] = []
        try:
            body = self._check(request)

            def open_reader(delivery: Delivery) -> FirehoseBody:
                readers.append(FirehoseBody(body, self._publisher, delivery))
                return readers[0]

            await self._reception.receive(request, OPERATION, open_reader)
        except ClientDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - every error has a response of Firehose's form
            response = describe_error(error, RECEIVER, request_context(request.scope).request_id)
            answer = {"errorMessage": response.message[:MAX_MESSAGE]}
            status, headers = response.code.status, response.headers
        else:
            answer, status, headers = {}, 200, {}
        own_id = readers[0].scanner.request_id[:MAX_ID] if readers else ""
        content = orjson.dumps({"requestId": request_id or own_id, "timestamp": self._now(), **answer})
        return Response(content, status, headers, JSON)

    def _check(self, request: Request) -> PlainBody:
        """Check all but the body, and return the decompressor for that."""
        self._reception.authorize(request, OPERATION, _access_key)
        headers = request.headers
        if request.method != "POST":
            raise MethodError(f"{request.method} is not answered here: Firehose sends POST")
        if (version := headers.get("x-amz-firehose-protocol-version")) != PROTOCOL_VERSION:
            raise BodyError(
                f"X-Amz-Firehose-Protocol-Version is {version!r:.50}; this endpoint knows {PROTOCOL_VERSION}"
            )
        if int(headers.get("content-length", 0)) > MAX_BODY:
            raise BodyError(f"the body has more than {MAX_BODY} bytes, which Firehose never sends")
        return open_body(headers.get("content-encoding", ""), MAX_BODY)


def _access_key(headers: Headers) -> str:
    key = headers.get("x-amz-firehose-access-key", "")
    if not key:
        raise DeniedError(
            Denial.MISSING,
            "X-Amz-Firehose-Access-Key is missing: `turnfold keys add firehose --bearer --right write` makes a token, "
            "which is the access key of the delivery stream's HTTP endpoint",
        )
    if len(key) > MAX_KEY:
        raise DeniedError(Denial.INCOMPLETE, f"X-Amz-Firehose-Access-Key has more than {MAX_KEY} bytes")
    return key
