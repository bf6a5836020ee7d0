"""Commands that bring log entries in: from files, from AWS, or invented ones."""
