"""Send the traffic in small batches by producers of all kinds, until Kafka has acknowledged everything."""

import random
import threading
from collections import Counter
from collections.abc import Sequence

from pipeline.config.settings import Settings
from tests.chaos.messages import Message, dress, empty, ghosts, hostile
from tests.chaos.producers import (
    PARTITIONERS,
    Acknowledged,
    ByKafkaPython,
    ByLibrdkafka,
    Sender,
    Transactions,
)
from tests.integration.traffic import BROKEN

HOSTILE_EVERY, EMPTY_EVERY, ABORTED_EVERY, ABANDONED_EVERY = 7, 29, 3, 17
"""Number of batches of the traffic."""


class Feed(threading.Thread):
    """Sends every line at least once: what is not acknowledged is sent again by another producer.

    The first `fed` lines are acknowledged. `buried` are the topics, partitions and offsets of messages that must become
    dead letters. An error ends the feed, and is kept in `error`.
    """

    def __init__(self, settings: Settings, lines: Sequence[bytes], a_second: int, seed: int) -> None:
        super().__init__(daemon=True)
        self._settings, self._lines, self._a_second = settings, lines, a_second
        self._chance = random.Random(seed)  # noqa: S311 - no secret is made of it
        self._stopped = threading.Event()
        self.fed = 0
        self.sent: Counter[str] = Counter()
        self.buried: set[tuple[str, int, int]] = set()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Send all traffic, or as much as is possible until `stop` is called."""
        try:
            self._open()
            for number, first in enumerate(range(0, len(self._lines), self._a_second)):
                self._bit(number, list(self._lines[first : first + self._a_second]))
                self.fed = min(first + self._a_second, len(self._lines))
                if self._stopped.wait(1):
                    return
        except BaseException as error:
            self.error = error
            raise

    def stop(self) -> None:
        """Finish the current batch and send no more."""
        self._stopped.set()

    def _open(self) -> None:
        self._transactions = [
            Transactions(self._settings, "one", "consistent_random", "zstd"),
            Transactions(self._settings, "two", "murmur2_random", "lz4"),
        ]
        self._senders: dict[str, Sender] = {
            **{
                f"{name}{', idempotent' if idempotent else ''}": ByLibrdkafka(
                    self._settings, name, idempotent=idempotent
                )
                for idempotent, name in zip((True, False, True, False), PARTITIONERS, strict=True)
            },
            "kafka-python": ByKafkaPython(self._settings),
            **{f"transactions {number}": one for number, one in enumerate(self._transactions)},
        }

    def _bit(self, number: int, lines: list[bytes]) -> None:
        messages = [dress(self._settings, self._chance, line) for line in lines]
        if number % HOSTILE_EVERY == HOSTILE_EVERY // 2:
            messages.append(hostile(self._settings, self._chance))
            self.sent["hostile messages"] += 1
        if number % EMPTY_EVERY == EMPTY_EVERY // 2:
            messages.append(empty(self._settings))
            self.sent["hostile messages"] += 1
        self.sent["broken messages"] += sum(line in BROKEN for line in lines)
        if number % ABORTED_EVERY == 1:
            self._haunt(number, lines)
        while messages:
            messages = self._send(messages)
        self.sent["transactions committed"] = sum(one.committed for one in self._transactions)
        self.sent["transactions aborted"] = sum(one.aborted for one in self._transactions)
        self.sent["transactions abandoned"] = sum(one.abandoned for one in self._transactions)

    def _haunt(self, number: int, lines: list[bytes]) -> None:
        unreal = ghosts(self._settings, self._chance, lines, number)
        transactions = self._chance.choice(self._transactions)
        if number % ABANDONED_EVERY == ABANDONED_EVERY - 4:
            transactions.abandon(unreal)
        else:
            transactions.abort(unreal)
        self.sent["events aborted"] += len(unreal)

    def _send(self, messages: list[Message]) -> list[Message]:
        """Distribute messages among a few producers, and return those that have to be sent again."""
        names = self._chance.sample(list(self._senders), 3)
        shares: dict[str, list[Message]] = {name: [] for name in names}
        for message in messages:
            shares[self._chance.choice(names)].append(message)
        again = []
        for name, share in shares.items():
            done = self._senders[name].send(share) if share else []
            self.sent[name] += len(done)
            self._note(done)
            again += _lacking(share, done)
        return again

    def _note(self, done: Sequence[Acknowledged]) -> None:
        self.buried |= {(one.topic, one.partition, one.offset) for one in done if one.message.dead}


def _lacking(share: Sequence[Message], done: Sequence[Acknowledged]) -> list[Message]:
    return list((Counter(share) - Counter(one.message for one in done)).elements())
