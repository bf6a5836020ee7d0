"""Who does the work: the Faust app and its agents, the servers, the command line."""
