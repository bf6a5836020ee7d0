"""Run the query layer in several processes."""
