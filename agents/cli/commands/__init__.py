"""Define the subcommands of `turnfold`, one per module, each imported only when it is called."""
