"""Run the receiver on its port until a signal stops it."""

from pipeline.config.settings import Settings
from pipeline.http.server.protocol import BoundedProtocol
from pipeline.http.server.run import Address, run_server
from pipeline.receive.app import create_app
from pipeline.receive.firehose import MAX_BODY


class ReceiverProtocol(BoundedProtocol):
    """The query layer's protocol, for bodies of Firehose's size."""

    body_bytes = MAX_BODY + 8 * 1024 * 1024
    """Bytes of a body at most, with some room, so that what is too large is refused with a response."""
    frame_bytes = 4 * 1024 * 1024


def serve(settings: Settings) -> None:
    """Receive events until SIGTERM or SIGINT, then answer the requests in progress within `settings.stop_seconds`.

    Raises:
        UsageError: the address cannot be bound, or the certificate or the key file cannot be used.
    """
    address = Address("the receiver", settings.receive_host, settings.receive_port, "TURNFOLD_RECEIVE")
    run_server(create_app, settings, address, ReceiverProtocol)
