-- Two entries may be one event (conversation, time, request, reason) and yet differ: all that differ are kept, whichever
-- came first, and of those the one with the greatest digest counts. What was archived before has none, and gives way.
ALTER TABLE turns
  ADD COLUMN IF NOT EXISTS content UInt64 COMMENT 'digest of the payload; 0: archived before there were any'
  AFTER missed_utterance,
  MODIFY ORDER BY (bot_id, session_id, originating_request_id, timestamp, request_id, response_reason, content)
