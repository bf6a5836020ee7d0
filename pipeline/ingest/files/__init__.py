"""Read log entries from files: formats, compression, folders."""
