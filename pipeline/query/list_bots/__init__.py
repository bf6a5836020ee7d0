"""ListBots: the bots whose conversations are stored."""
