-- What was in Kafka when somebody was forgotten is told by its place there, not by clocks.
ALTER TABLE forgotten ADD COLUMN IF NOT EXISTS ends String COMMENT 'JSON: where the topics ended when that was said'
