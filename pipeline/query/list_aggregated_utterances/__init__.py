"""ListAggregatedUtterances: how often each text was understood and missed, in a window that ends now."""
