"""Clients of Kafka: how they connect, and how their errors are translated."""
