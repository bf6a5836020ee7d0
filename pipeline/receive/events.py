"""Receive events from bots and functions that can send HTTP: JSON, arrays of it, or lines, gzip or not."""

import io

import orjson
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.key_factory import BEARER_SCHEME
from pipeline.http.errors import JSON
from pipeline.ingest.files.gzip_stream import GZIP
from pipeline.ingest.files.reader import stream_inputs
from pipeline.kafka.producer.deliveries import Delivery
from pipeline.receive.errors import BodyError
from pipeline.receive.inflating import PlainBody, open_body
from pipeline.receive.publisher import PublishCounts, Publisher, ReceivedInput
from pipeline.receive.reception import AuthorizedReception

OPERATION = "Events"
PATH = "/events"


class EventsBody:
    """Keeps a body until it is complete, and then reads the inputs in it."""

    def __init__(self, body: PlainBody, publisher: Publisher, delivery: Delivery, max_bytes: int) -> None:
        self.counts = PublishCounts()
        self._body, self._publisher, self._delivery, self._max_bytes = body, publisher, delivery, max_bytes
        self._text = bytearray()

    @property
    def held(self) -> int:
        """Return the bytes of the body that have arrived."""
        return len(self._text)

    def feed(self, part: bytes) -> None:
        """Keep a part."""
        for text in self._body.feed(part):
            self._text += text

    def finish(self) -> None:
        """Send all that is in the body.

        Raises:
            BodyError: it is empty. KafkaSlowError: Kafka does not take it in time.
        """
        self._body.finish()
        text = bytes(self._text)
        self._text.clear()
        if not text.strip():
            raise BodyError("the body is empty; send a log entry, an array of them, or one in each line")
        if self._publisher.publish_quick(text, self._delivery, self.counts):
            return
        if text.startswith(GZIP):  # one input, whose layers are limited
            self._publisher.publish(ReceivedInput(OPERATION, 0, text), self._delivery, self.counts)
            return
        for number, each in enumerate(stream_inputs(io.BufferedReader(io.BytesIO(text)), OPERATION, self._max_bytes)):
            received = ReceivedInput(OPERATION, number, each.data)
            if each.problem:
                self._publisher.publish_dead(received, each.problem, self._delivery, self.counts)
            elif each.data.strip():
                self._publisher.publish(received, self._delivery, self.counts)


class EventsEndpoint:
    """Answers with what was received: `entries` are log entries, `dead` what was none, which is kept as well."""

    def __init__(self, reception: AuthorizedReception, publisher: Publisher, max_bytes: int) -> None:
        """Take bodies of at most `max_bytes`, before and after they are decompressed."""
        self._reception, self._publisher, self._max_bytes = reception, publisher, max_bytes

    async def answer(self, request: Request) -> Response:
        """Receive one request."""
        self._reception.authorize(request, OPERATION, _token)
        if int(request.headers.get("content-length", 0)) > self._max_bytes:
            raise BodyError(f"the body has more than {self._max_bytes} bytes; send less at once")
        body = open_body(request.headers.get("content-encoding", ""), self._max_bytes)
        counts = await self._reception.receive(
            request,
            OPERATION,
            lambda delivery: EventsBody(body, self._publisher, delivery, self._max_bytes),
        )
        return Response(orjson.dumps({"entries": counts.entries, "dead": counts.dead}), media_type=JSON)


def _token(headers: Headers) -> str:
    authorization = headers.get("authorization", "")
    if not authorization.lower().startswith(BEARER_SCHEME):
        raise DeniedError(
            Denial.MISSING,
            "send `Authorization: Bearer TOKEN`; `turnfold keys add NAME --bearer --right write` makes one",
        )
    return authorization[len(BEARER_SCHEME) :]
