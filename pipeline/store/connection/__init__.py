"""Connections to ClickHouse: how statements run, with which limits, and which databases there are."""
