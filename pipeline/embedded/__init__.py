"""The embedded stack: a Kafka-protocol broker, and ClickHouse's engine behind ClickHouse's HTTP interface."""
