-- Entries are large and come in thousands: with the defaults each insert makes dozens of files, and each event is written
-- again three times within minutes. One file a part, and more parts a merge, halve what the archive costs to write.
ALTER TABLE turns MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10
