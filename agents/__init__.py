"""Run Turnfold: the Faust app and its agents, the embedded stack, and the command line."""
