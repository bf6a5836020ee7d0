"""Access ClickHouse over its HTTP interface: the only package that imports clickhouse-connect."""
