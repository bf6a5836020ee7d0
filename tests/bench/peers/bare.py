"""Decode, fold and write a topic, archive included, in one loop over librdkafka, without any guarantee."""

from collections import defaultdict

import msgspec

from pipeline.ingest.decode import decode_entry
from schemas.turn import ArchivedTurn, ConversationKey, Turn
from tests.bench.peers.contest import Clock, Contest, Sink, folded

BATCH = 20_000


def main() -> None:
    """Run until all events are written."""
    contest = Contest()
    sink, clock = Sink(contest), Clock(contest)
    consumer = contest.consumer()
    known: defaultdict[ConversationKey, dict[object, Turn]] = defaultdict(dict)
    last = False
    while not last:
        messages = consumer.consume(BATCH, timeout=0.5)
        if not messages:
            continue
        last = clock.event(len(messages))
        touched: dict[ConversationKey, None] = {}
        archive = []
        for message in messages:
            raw = message.value()
            turn = decode_entry(raw, 1_048_576)
            events = known[turn.key]
            if turn.identity not in events:
                events[turn.identity] = turn
                archive.append(ArchivedTurn(*(*msgspec.structs.astuple(turn), raw)))
            touched[turn.key] = None
        sink.insert("conversations", [folded(known[key].values()) for key in touched])
        sink.insert("turns", archive)
        consumer.commit(asynchronous=False)
    clock.finish()


if __name__ == "__main__":
    main()
