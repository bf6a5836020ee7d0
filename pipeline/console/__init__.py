"""The console: pages for people, on the operations, filters and numbers of the API. It holds no SQL of its own."""
