-- The same for conversations that were there before, in the background.
ALTER TABLE conversations MATERIALIZE INDEX ends
