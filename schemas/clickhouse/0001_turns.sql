-- The archive: every valid turn event once, its payload as received.
-- Sorted so that all events of one conversation, and of one session, lie side by side.
-- A worker looks for a thousand new sessions at once: one in 10,000 that an index finds by mistake, the fewest that
-- ClickHouse can have, is a block in eight that is read in vain, one in 1,000 are two in three. So it is in tables that
-- were created since; the others have the index that is added below.
CREATE TABLE IF NOT EXISTS turns
(
    bot_id                 LowCardinality(String) COMMENT 'bot.id; of a Lex V1 bot, derived from its name',
    session_id             String                 COMMENT 'sessionId; of Lex V1, userId',
    originating_request_id String                 COMMENT 'sessionState.originatingRequestId; of Lex V1, sessionId',
    timestamp              DateTime64(3, 'UTC')   COMMENT 'when the user spoke',
    request_id             String                 COMMENT 'requestId; several events may share one',
    response_reason        LowCardinality(String) COMMENT 'responseReason, empty where absent',
    operation_name         LowCardinality(String) COMMENT 'operationName; PutSession is no turn',
    bot_name               LowCardinality(String) COMMENT 'bot.name',
    bot_alias_id           LowCardinality(String) COMMENT 'bot.aliasId',
    bot_alias_name         LowCardinality(String) COMMENT 'bot.aliasName',
    bot_version            LowCardinality(String) COMMENT 'bot.version, DRAFT included',
    locale_id              LowCardinality(String) COMMENT 'bot.localeId',
    input_mode             LowCardinality(String) COMMENT 'Text, Speech or DTMF',
    channel                LowCardinality(String) COMMENT 'request attribute x-amz-lex:channels:platform',
    intent_name            LowCardinality(String) COMMENT 'sessionState.intent.name, empty where there is no intent',
    intent_state           LowCardinality(String) COMMENT 'sessionState.intent.state',
    dialog_action          LowCardinality(String) COMMENT 'sessionState.dialogAction.type',
    missed_utterance       Bool                   COMMENT 'missedUtterance',
    payload                String CODEC(ZSTD(1))  COMMENT 'the entry as received, byte for byte',
    INDEX sessions session_id TYPE bloom_filter(0.0001) GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (bot_id, session_id, originating_request_id, timestamp, request_id, response_reason)
