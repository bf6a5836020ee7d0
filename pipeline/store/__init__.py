"""ClickHouse, over its HTTP interface: the only place that knows clickhouse-connect."""
