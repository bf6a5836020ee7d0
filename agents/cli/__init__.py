"""Define the `turnfold` command, with one module per subcommand, each imported only when it is called."""
