"""Wire format of Amazon Lex's analytics operations."""
