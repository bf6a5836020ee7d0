"""GetSession and the transcript: from archived events to where a session stands."""
