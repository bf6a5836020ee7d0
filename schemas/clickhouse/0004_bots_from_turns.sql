-- Each insert into turns tells the names of its bots.
CREATE MATERIALIZED VIEW IF NOT EXISTS bots_from_turns TO bots AS
SELECT DISTINCT bot_name, bot_id
FROM turns
WHERE bot_name != ''
