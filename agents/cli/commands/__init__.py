"""Define the subcommands of `turnfold`, by what they are for: one per module, imported only when it is called."""
