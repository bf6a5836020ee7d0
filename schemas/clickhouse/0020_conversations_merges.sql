-- A month that nothing was written to for a day is merged into one part: a query with FINAL then costs what one without
-- it does. ClickHouse would leave several parts there for days, and compare their keys.
ALTER TABLE conversations
  MODIFY SETTING min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1
