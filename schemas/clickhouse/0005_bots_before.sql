-- The names of bots whose turns were there before; what comes meanwhile is told by the view, and twice is harmless.
INSERT INTO bots (bot_name, bot_id)
SELECT DISTINCT bot_name, bot_id
FROM turns
WHERE bot_name != ''
