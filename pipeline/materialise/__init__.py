"""What was folded in, both tables written: where the fold and the store meet, and where several writers do."""
