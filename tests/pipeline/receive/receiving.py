"""A receiver on a port of its own, in front of a broker."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pipeline.auth.key_factory import create_bearer_key, new_id
from pipeline.auth.key_store import change_keys
from pipeline.config.settings import Settings
from pipeline.kafka.client.kafka_python import open_consumer
from pipeline.kafka.dead_letters.reader import DeadLetterRecord, read_dead_letters
from pipeline.kafka.offsets import read, spans_of
from pipeline.kafka.topics import create_topics
from pipeline.receive.app import ReceiverProtocol, create_app
from schemas.access_key import AccessKey, Right
from tests.pipeline.http.serving import Client, client, serving


class Receiver:
    """A running receiver, the token of a key that may write, and what it has put into Kafka."""

    def __init__(self, url: str, token: str, settings: Settings, client: Client) -> None:
        self.url, self.token, self.settings, self.client = url, token, settings, client

    def entries(self) -> list[bytes]:
        """Return the records of the turns topic, sorted."""
        with open_consumer(self.settings) as consumer:
            spans = spans_of(consumer, self.settings.topic_turns, 10.0)
            return sorted(record.value for record in read(consumer, spans, 10.0))

    def dead(self) -> list[DeadLetterRecord]:
        """Return the dead letters in their order."""
        return list(read_dead_letters(self.settings, None))


def token_for(path: Path, *rights: Right) -> str:
    """Add a key with these rights to the key file, and return its token."""
    issued = create_bearer_key(AccessKey(id=new_id(), name="sender", bots=("*",), rights=rights, created=0))
    change_keys(path, lambda known: [*known, issued.key])
    return issued.credential


@contextmanager
def receiving(settings: Settings, folder: Path, *, topics: bool = True) -> Iterator[Receiver]:
    """Run a receiver that requires keys."""
    token = token_for(folder / "keys.json", Right.WRITE)
    settings = msgspec.structs.replace(settings, api_keys=str(folder / "keys.json"))
    if topics:
        create_topics(settings)
    with serving(create_app(settings), settings, ReceiverProtocol) as url, client(url) as connection:
        yield Receiver(url, token, settings, connection)
