-- What the user typed or said, and the slot that the bot asks for next: from these the fold derives utterances and stages.
-- Of events archived before, both are read from the payload, by the rules of the decoder, until a rebuild stores them.
ALTER TABLE turns
  ADD COLUMN IF NOT EXISTS utterance String
    DEFAULT multiIf(JSONType(payload, 'inputTranscript') != 'String', '',
      lengthUTF8(JSONExtractString(payload, 'inputTranscript')) <= 4096, JSONExtractString(payload, 'inputTranscript'),
      concat(substringUTF8(JSONExtractString(payload, 'inputTranscript'), 1, 4095), '…'))
    COMMENT 'inputTranscript, at most 4096 characters of it' AFTER missed_utterance,
  ADD COLUMN IF NOT EXISTS slot_to_elicit LowCardinality(String)
    DEFAULT multiIf(JSONType(payload, 'sessionState', 'dialogAction', 'slotToElicit') = 'String',
      JSONExtractString(payload, 'sessionState', 'dialogAction', 'slotToElicit'),
      NOT JSONHas(payload, 'sessionState') AND JSONType(payload, 'slotToElicit') = 'String',
      JSONExtractString(payload, 'slotToElicit'), '')
    COMMENT 'sessionState.dialogAction.slotToElicit; of Lex V1, slotToElicit' AFTER utterance
