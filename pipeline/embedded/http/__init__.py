"""ClickHouse's HTTP interface: parse requests, run their statements, and stream compressed responses, within limits."""
