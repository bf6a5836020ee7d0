"""Define the shapes of turn events, conversations, wire messages and tables. Imports no other package of Turnfold."""
