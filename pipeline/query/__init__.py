"""Answer Lex's session queries: parse a request, read ClickHouse, build Lex's response. Independent of HTTP."""
