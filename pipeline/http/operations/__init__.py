"""Operations of the API, one file each, and the code that they share."""
