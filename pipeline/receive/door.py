"""Let requests in by their access key, and receive, count and audit them."""

from collections.abc import AsyncIterator, Callable

from starlette.datastructures import Headers
from starlette.requests import Request

from pipeline.auth.authenticator import AccessControl, check_right
from pipeline.http.middleware.request_context import AuditRecord, request_context
from pipeline.kafka.producer.deliveries import Delivery
from pipeline.metrics.http import ReceiveMetrics
from pipeline.receive.errors import RECEIVER
from pipeline.receive.publisher import PublishCounts
from pipeline.receive.reception import BodyReader, Reception
from schemas.access_key import Right


class Door:
    """What all operations of the receiver have in common."""

    def __init__(self, access: AccessControl, reception: Reception, metrics: ReceiveMetrics) -> None:
        self._access, self._reception, self._metrics = access, reception, metrics

    def enter(self, request: Request, operation: str, token_of: Callable[[Headers], str]) -> None:
        """Check the access key of a request before anything of its body is read.

        Raises:
            DeniedError: there is no key, or none that may write. KeysUnavailableError: no key can be checked.
        """
        context = request_context(request.scope)
        context.operation, context.error_codes = operation, RECEIVER
        context.audit = AuditRecord(operation)
        key = self._access.authenticate_token(lambda: token_of(request.headers))
        context.audit.key = key.id
        check_right(key, Right.WRITE)

    async def receive(
        self, request: Request, operation: str, open_reader: Callable[[Delivery], BodyReader]
    ) -> PublishCounts:
        """Receive the body of a request that was let in, and return what Kafka has acknowledged.

        Raises:
            BodyError, BusyError, KafkaSlowError: as `Reception.receive`.
        """
        counts = await self._reception.receive(self._counted(request.stream(), operation), open_reader)
        self._metrics.kept(operation, counts.entries, counts.dead)
        if audit := request_context(request.scope).audit:
            audit.rows = counts.entries
        return counts

    async def _counted(self, chunks: AsyncIterator[bytes], operation: str) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self._metrics.received(operation, len(chunk))
            yield chunk
