"""The same fold in other stream processors, each a process of its own that prints one line of JSON."""
