"""GetSession and GetTranscript: read archived events and build the current state of a session."""
