"""Settings: load them from the environment, validate them together, and derive rules, retention and logging."""
