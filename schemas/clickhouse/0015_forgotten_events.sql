-- The events that were forgotten: what is here is not folded again, whoever reads it again, from wherever and whenever.
CREATE TABLE IF NOT EXISTS forgotten_events
(
    session String COMMENT 'SHA-256 of the session id, in hexadecimal digits',
    event   UInt64 COMMENT 'the first eight bytes of the SHA-256 of what identifies the event, little-endian'
)
ENGINE = ReplacingMergeTree
ORDER BY (session, event)
