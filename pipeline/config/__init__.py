"""Settings: read from the environment, validated together, and what follows from them."""
