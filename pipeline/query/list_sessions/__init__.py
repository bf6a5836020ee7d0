"""ListSessionAnalyticsData: from a request to SQL to a page of conversations."""
