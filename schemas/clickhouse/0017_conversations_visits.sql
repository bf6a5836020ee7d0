-- Visits of intents and of stages, and utterances: parallel arrays, one item each, in their order. They are part of the
-- conversation's row, so that all that holds for it holds for them. Rows written before have fold 0 and none of them.
ALTER TABLE conversations
  ADD COLUMN IF NOT EXISTS visit_intents Array(LowCardinality(String)) COMMENT 'intent of each visit',
  ADD COLUMN IF NOT EXISTS visit_levels Array(UInt32) COMMENT 'names in the intent path up to it',
  ADD COLUMN IF NOT EXISTS visit_states Array(LowCardinality(String))
    COMMENT 'Success, Failed, Switched, or empty: open, Dropped once idle',
  ADD COLUMN IF NOT EXISTS stage_intents Array(LowCardinality(String))
    COMMENT 'intent of each stage visit',
  ADD COLUMN IF NOT EXISTS stage_names Array(LowCardinality(String))
    COMMENT 'the slot that is asked for, or ConfirmIntent',
  ADD COLUMN IF NOT EXISTS stage_states Array(LowCardinality(String))
    COMMENT 'Success, Failed, Dropped, or empty: open, Dropped once idle',
  ADD COLUMN IF NOT EXISTS stage_switched_to Array(LowCardinality(String))
    COMMENT 'the intent that it was left for; empty if none',
  ADD COLUMN IF NOT EXISTS stage_retries Array(UInt32) COMMENT 'requests that asked again',
  ADD COLUMN IF NOT EXISTS utterance_times Array(DateTime64(3, 'UTC'))
    COMMENT 'timestamp of each utterance',
  ADD COLUMN IF NOT EXISTS utterance_request_ids Array(String) COMMENT 'its request',
  ADD COLUMN IF NOT EXISTS utterance_texts Array(String) CODEC(ZSTD(1))
    COMMENT 'inputTranscript, at most 4096 characters of it',
  ADD COLUMN IF NOT EXISTS utterance_missed Array(Bool) COMMENT 'missedUtterance',
  ADD COLUMN IF NOT EXISTS utterance_intents Array(LowCardinality(String))
    COMMENT 'the intent recognized, empty if none',
  ADD COLUMN IF NOT EXISTS utterance_slots Array(LowCardinality(String))
    COMMENT 'the slot that it answers, empty if none',
  ADD COLUMN IF NOT EXISTS fold UInt8 COMMENT 'version of the fold that wrote the row; before 2 without visits'
