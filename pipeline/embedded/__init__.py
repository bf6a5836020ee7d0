"""The embedded stack: a broker and ClickHouse's engine as processes of their own, on their own wires."""
