"""Keep child processes running: start them again when they die, and end all of them in any case."""
