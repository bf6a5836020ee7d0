"""Amazon Lex's own shapes: log entries that come in, requests and answers of its APIs."""
