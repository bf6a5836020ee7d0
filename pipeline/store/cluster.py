"""Settings in; what ClickHouse is told with every statement so that a cluster answers like one server out."""

from pipeline.config.settings import Settings

SHARE = 0.8
"""Of the time that a client waits, the server may use this much: then it says itself which replica it waits for."""


def cluster_options(settings: Settings) -> dict[str, str | int]:
    """ClickHouse's settings for a cluster, by name; nothing for one server.

    Together they make what a statement sees independent of the replica that answers it: a worker reads back its
    own events, and those of the worker that had a partition before it.
    """
    if not settings.clickhouse_cluster:
        return {}
    patience = max(1.0, settings.clickhouse_timeout * SHARE)
    return {
        # an insert is done when the shards have it, not when the server that was asked has queued it:
        # offsets are committed on its word
        "distributed_foreground_insert": 1,
        # and has not happened until most replicas have it, so that losing one loses nothing
        "insert_quorum": "auto",
        # one after the other, without which no replica knows whether it has all of them
        "insert_quorum_parallel": 0,
        "insert_quorum_timeout": int(1000 * patience),
        # a replica that lacks an acknowledged insert does not answer; whoever asked tries again
        "select_sequential_consistency": 1,
        # and so the replica that everyone writes to is also the one that is asked
        "load_balancing": "in_order",
        # the same rows once more are wanted after they were deleted; doubled ones are replaced anyway
        "deduplicate_insert": "disable",
        # subqueries stay on their shard: both tables are sharded alike
        "distributed_product_mode": "local",
        "distributed_ddl_task_timeout": int(patience),
    }
