"""ClickHouse's HTTP interface: requests read, answers compressed and streamed, each within its bounds."""
