"""Fold a topic with stock Faust, an agent and a table in memory, and write a row per changed conversation and flush."""

import tempfile

import faust

from pipeline.ingest.decode import decode_entry
from tests.bench.peers.contest import Clock, Contest, Sink, advance, row_of

contest = Contest()
sink, clock = Sink(contest), Clock(contest)
app = faust.App(
    contest.group,
    broker=f"kafka://{contest.kafka}",
    store="memory://",
    datadir=tempfile.mkdtemp(),
    topic_partitions=4,
    topic_replication_factor=1,
    consumer_auto_offset_reset="earliest",
    broker_session_timeout=6,
    broker_heartbeat_interval=2,
    web_enabled=False,
)
topic = app.topic(contest.topic, key_serializer="raw", value_serializer="raw")
table = app.Table("conversations")


@app.agent(topic)
async def agent(stream: faust.Stream) -> None:
    """Process single events, as the manual shows; the state goes through the changelog."""
    async for raw in stream:
        turn = decode_entry(raw, 1_048_576)
        key = "|".join(turn.key)
        state = advance(table.get(key), turn)
        table[key] = state
        sink.put(row_of(state, turn))
        if clock.event():
            sink.flush()
            clock.finish()


if __name__ == "__main__":
    app.main()
