-- The conversations of one session or request, where they are asked for in a long window: at 10 million rows a month's
-- list by SessionId took 13 ms instead of 23, one of 399 days 33 instead of 228, for a fiftieth of the space.
ALTER TABLE conversations ADD INDEX IF NOT EXISTS sessions session_id TYPE bloom_filter(0.001) GRANULARITY 1
