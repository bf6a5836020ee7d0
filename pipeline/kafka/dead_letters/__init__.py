"""The dead-letter topic: read and count dead letters, retry them, purge them."""
