"""`turnfold up`: broker, ClickHouse, workers and query layer as processes that are supervised."""
