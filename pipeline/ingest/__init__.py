"""Input in any accepted form in, turn events or dead letters out."""
