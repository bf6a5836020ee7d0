"""Sample traffic of three invented bots, to try Turnfold without data of one's own."""
