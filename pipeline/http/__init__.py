"""The query layer over HTTP: Lex's own paths, JSON and errors, so that its SDKs need only another endpoint."""
