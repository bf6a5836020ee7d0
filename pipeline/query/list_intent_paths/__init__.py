"""ListIntentPaths: count where conversations went from an intent path."""
