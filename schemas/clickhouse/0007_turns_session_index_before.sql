-- The same for turns that were there before, in the background; until that is done they are found more slowly.
ALTER TABLE turns MATERIALIZE INDEX sessions
