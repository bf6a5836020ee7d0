"""Fold a topic with Quix Streams and its state store, and write a row per changed conversation and flush."""

import logging
import tempfile
from typing import Any

from quixstreams import Application, State

from pipeline.ingest.decode import decode_entry
from tests.bench.peers.contest import Clock, Contest, Sink, advance, row_of


def main() -> None:
    """Run until all events are written."""
    contest = Contest()
    sink, clock = Sink(contest), Clock(contest)
    app = Application(
        broker_address=contest.kafka,
        consumer_group=contest.group,
        auto_offset_reset="earliest",
        state_dir=tempfile.mkdtemp(),
        commit_interval=1.0,
        use_changelog_topics=False,
        consumer_extra_config={"session.timeout.ms": 6000, "fetch.queue.backoff.ms": 5},
        loglevel=logging.WARNING,
    )
    topic = app.topic(contest.topic, key_deserializer="bytes", value_deserializer="bytes")

    def take(raw: bytes, state: State[str, dict[str, Any]]) -> None:
        turn = decode_entry(raw, 1_048_576)
        known = advance(state.get(turn.originating_request_id), turn)
        state.set(turn.originating_request_id, known)
        sink.put(row_of(known, turn))
        if clock.event():
            sink.flush()
            clock.finish()

    app.dataframe(topic).update(take, stateful=True)
    app.run()


if __name__ == "__main__":
    main()
