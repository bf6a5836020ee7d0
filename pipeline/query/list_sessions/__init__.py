"""ListSessionAnalyticsData: turn a request into SQL, and the rows into a page of sessions."""
