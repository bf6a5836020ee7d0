"""Run the embedded stack of `turnfold up`: broker, ClickHouse, workers and query layer as supervised processes."""
