-- One row a conversation, complete: a query computes nothing but Dropped.
-- Sorted by what queries ask for: a bot, then a window of starts.
-- A page of a list has some ten rows, here and there, and of each part that may have one of them a whole block is read.
-- So blocks have an eighth of the rows that they have by default: a page takes half to two thirds of the CPU time, for no
-- more space and no dearer insert. Indexes have an entry for four of them, or a session would take longer to look for.
-- Both is so in tables that were created since: the indexes are added below to those that were there before.
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
    is_deleted             UInt8                         COMMENT 'takes back the row of a start that has moved',
    INDEX sessions session_id TYPE bloom_filter(0.001) GRANULARITY 4,
    INDEX ends end TYPE minmax GRANULARITY 4
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(start)
ORDER BY (bot_id, start, session_id, originating_request_id)
SETTINGS index_granularity = 1024, min_compress_block_size = 8192, max_compress_block_size = 16384
