"""Traffic of three invented bots, to try Turnfold with nothing at hand."""
