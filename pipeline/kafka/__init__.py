"""Access to Kafka for commands and workers: clients, topics, offsets, record checks, dead letters, producers."""
