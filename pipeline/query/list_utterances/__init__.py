"""ListUtteranceAnalyticsData: pages of what a bot's users typed or said."""
