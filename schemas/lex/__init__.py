"""Define Amazon Lex's own formats: log entries, and requests and responses of its APIs."""
