"""Questions in Lex's words, to SQL over plain rows, to answers in Lex's words. Knows no HTTP."""
