"""The query layer over HTTP, in Lex's own paths, JSON and errors: its SDKs need another endpoint, no more."""
