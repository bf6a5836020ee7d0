-- What the user typed or said, and the slot that the bot asks for next: from these the fold derives utterances and stages.
-- Of events archived before, both are read from the payload, until `turnfold rebuild` writes them.
ALTER TABLE turns
  ADD COLUMN IF NOT EXISTS utterance String
    DEFAULT if(lengthUTF8(JSONExtractString(payload, 'inputTranscript')) > 4096,
      concat(substringUTF8(JSONExtractString(payload, 'inputTranscript'), 1, 4095), '…'),
      JSONExtractString(payload, 'inputTranscript'))
    COMMENT 'inputTranscript, at most 4096 characters of it' AFTER missed_utterance,
  ADD COLUMN IF NOT EXISTS slot_to_elicit LowCardinality(String)
    DEFAULT if(JSONHas(payload, 'sessionState'),
      JSONExtractString(payload, 'sessionState', 'dialogAction', 'slotToElicit'),
      JSONExtractString(payload, 'slotToElicit'))
    COMMENT 'sessionState.dialogAction.slotToElicit; of Lex V1, slotToElicit' AFTER utterance
