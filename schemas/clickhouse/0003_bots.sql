-- Which ids bots of a name have: who knows a bot by name finds its turns, which are sorted by id.
CREATE TABLE IF NOT EXISTS bots
(
    bot_name LowCardinality(String) COMMENT 'bot.name; of a Lex V1 bot, botName',
    bot_id   LowCardinality(String) COMMENT 'as in turns; one name may have several'
)
ENGINE = ReplacingMergeTree
ORDER BY (bot_name, bot_id)
