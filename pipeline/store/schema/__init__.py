"""Tables as they are made and changed: migrations, on one server and on clusters, times to live, shadow tables."""
