-- One row a conversation, complete: a query computes nothing but Dropped.
-- Sorted by what queries ask for: a bot, then a window of starts.
CREATE TABLE IF NOT EXISTS conversations
(
    bot_id                 LowCardinality(String)        COMMENT 'as in turns',
    start                  DateTime64(3, 'UTC')          COMMENT 'least timestamp of its events',
    session_id             String                        COMMENT 'as in turns',
    originating_request_id String                        COMMENT 'as in turns',
    end                    DateTime64(3, 'UTC')          COMMENT 'greatest timestamp of its events',
    duration_seconds       UInt32                        COMMENT 'whole seconds between the two',
    turns                  UInt32                        COMMENT 'distinct requests, PutSession aside',
    mode                   LowCardinality(String)        COMMENT 'Text, Speech, DTMF or MultiMode; empty without a turn',
    channel                LowCardinality(String)        COMMENT 'of the last event that names one',
    bot_alias_id           LowCardinality(String)        COMMENT 'of the last event',
    bot_version            LowCardinality(String)        COMMENT 'of the last event',
    locale_id              LowCardinality(String)        COMMENT 'of the last event',
    intents                Array(LowCardinality(String)) COMMENT 'distinct, in the order first invoked',
    intent_path            String                        COMMENT '/BookHotel/BookCar: neighbours that repeat written once',
    end_state              LowCardinality(String)        COMMENT 'Success, Failure, or empty: open, Dropped once idle',
    version                UInt32                        COMMENT 'distinct events folded in: the greatest is right',
    is_deleted             UInt8                         COMMENT 'takes back the row of a start that has moved'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(start)
ORDER BY (bot_id, start, session_id, originating_request_id)
