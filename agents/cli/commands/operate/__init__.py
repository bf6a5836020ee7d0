"""Commands for whoever operates Turnfold: tables, lag, dead letters, reprocessing, keys, audits and erasure."""
