"""Prepare and query the stack's Kafka and ClickHouse, by clients that are imported when they are first used.

Importing them takes longer than all else that `turnfold up` does before its processes start.
"""

from collections.abc import Sequence

from pipeline.config.settings import Settings
from pipeline.kafka.partition_lag import PartitionLag


def import_clickhouse() -> None:
    """Import what `migrate` needs, while ClickHouse starts."""
    import pipeline.store.schema.shadow_tables  # noqa: F401, PLC0415 - see above


async def migrate(settings: Settings, *, dry_run: bool = False) -> None:
    """Create and change tables, as `pipeline.store.schema.migrate`."""
    from pipeline.store.schema import migrate as schema  # noqa: PLC0415 - see above
    from pipeline.store.schema.shadow_tables import migrate_other_tables  # noqa: PLC0415 - see above

    await schema.migrate(settings, dry_run=dry_run)
    await migrate_other_tables(settings, dry_run=dry_run)


async def outdated_rows(settings: Settings) -> str:
    """Return what to do about rows of an earlier version, as `pipeline.store.counts`; "" if there are none."""
    from pipeline.store.connection.client import connection  # noqa: PLC0415 - see above
    from pipeline.store.counts import count_without_visits, rebuild_advice  # noqa: PLC0415 - see above

    async with connection(settings) as clickhouse:
        rows = (await count_without_visits(clickhouse)).rows
    return rebuild_advice(rows, settings) if rows else ""


def create_topics(settings: Settings) -> None:
    """Create topics, as `pipeline.kafka.topics`."""
    from pipeline.kafka import topics  # noqa: PLC0415 - see above

    topics.create_topics(settings)


def find_topics(settings: Settings) -> None:
    """Look for topics, to check that Kafka answers, as `pipeline.kafka.topics`."""
    from pipeline.kafka import topics  # noqa: PLC0415 - see above

    topics.find_topics(settings)


def read_lag(settings: Settings, *patience: float) -> Sequence[PartitionLag]:
    """Read the lag of all partitions, as `pipeline.kafka.group`."""
    from pipeline.kafka import group  # noqa: PLC0415 - see above

    return group.read_lag(settings, *patience)
