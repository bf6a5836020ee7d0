"""The statements that find bots, their names and their latest conversations."""

BOTS = "SELECT DISTINCT bot_id FROM conversations WHERE is_deleted = 0"

# Versions of a row only grow by events, and the row of a superseded start is taken back after its conversation has
# another: the last of all ends is that of a current row, and FINAL, which reads ten times as much, would find the same.
LAST_ENDS = """\
SELECT bot_id, toUnixTimestamp64Milli(max(end))
FROM conversations
WHERE bot_id IN {bots:Array(String)} AND is_deleted = 0
GROUP BY bot_id"""

NAMES = "SELECT bot_id, groupUniqArray(bot_name) FROM bots WHERE bot_id IN {bots:Array(String)} GROUP BY bot_id"

LAST_NAMES = """\
SELECT bot_id, max(bot_name)
FROM turns
WHERE bot_id IN {bots:Array(String)} AND bot_name != ''
  AND timestamp >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
  AND (bot_id, toUnixTimestamp64Milli(timestamp)) IN {ends:Array(Tuple(String, Int64))}
GROUP BY bot_id"""
"""Names in the last events of bots."""
