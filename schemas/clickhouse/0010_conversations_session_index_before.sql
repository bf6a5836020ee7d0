-- The same for conversations that were there before, in the background; until that is done they are found more slowly.
ALTER TABLE conversations MATERIALIZE INDEX sessions
