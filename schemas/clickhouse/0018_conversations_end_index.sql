-- Utterances are asked for by their own time: a block of conversations that all ended before it need not be read.
ALTER TABLE conversations ADD INDEX IF NOT EXISTS ends end TYPE minmax GRANULARITY 1
