"""How pages and files show what the operations answer: texts, numbers, programs, transcripts, tables."""
