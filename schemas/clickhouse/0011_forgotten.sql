-- Who is forgotten: what is here is not folded again, whoever reads it again and from wherever.
-- Workers look here before and after each of their writes.
CREATE TABLE IF NOT EXISTS forgotten
(
    bot_id  LowCardinality(String)              COMMENT 'of this bot; empty: of all bots',
    session String                              COMMENT 'SHA-256 of the session id, in hexadecimal digits',
    until   DateTime64(3, 'UTC')                COMMENT 'events up to this moment are forgotten, later ones are not',
    saved   DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when that was said last, by the clock of this server'
)
ENGINE = ReplacingMergeTree(until)
ORDER BY (session, bot_id)
