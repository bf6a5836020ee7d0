-- How far replays, rebuilds and backfills have come: what lets another process, or another machine, go on with one.
-- Workers look here too: while somebody else writes into the tables, they trust no memory of their own.
CREATE TABLE IF NOT EXISTS runs
(
    run       String                              COMMENT 'what is read, where it goes, under which rules',
    unit      String                              COMMENT 'a part of it, such as a partition; empty: the run as a whole',
    into_live Bool                                COMMENT 'whether it writes into the tables that are queried',
    state     String                              COMMENT 'JSON: the plan of a run, the progress of a part',
    saved     DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'when, by the clock of this server'
)
ENGINE = ReplacingMergeTree(saved)
ORDER BY (run, unit)
