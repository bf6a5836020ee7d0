"""Where a job writes: the live tables, shadow tables, Kafka."""
