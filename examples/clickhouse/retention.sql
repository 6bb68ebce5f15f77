-- Raw events go by themselves (sinks.clickhouse.raw_events_ttl); all else stays until
-- somebody says otherwise. Take the parts that your rules ask for.

-- Calls and uses go by a TTL: once, and for good.
ALTER TABLE jitaudit.activity_log MODIFY TTL toDateTime(at) + INTERVAL 2 YEAR;
ALTER TABLE jitaudit.uses_log MODIFY TTL toDateTime(last) + INTERVAL 2 YEAR;

-- Results go by their ids, to be run from time to time: of a record all versions must
-- go at once, and a TTL could drop the latest and leave one from before it. Kafka keeps
-- the last version of each; whoever sets the sink's offsets back has them again.
ALTER TABLE jitaudit.assumptions_log DELETE
    WHERE id IN (SELECT id FROM jitaudit.assumptions_log FINAL WHERE at < now() - INTERVAL 7 YEAR)
    SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1;
ALTER TABLE jitaudit.sessions_log DELETE
    WHERE id IN (SELECT id FROM jitaudit.sessions_log FINAL WHERE end < now() - INTERVAL 7 YEAR)
    SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1;
ALTER TABLE jitaudit.triage_log DELETE
    WHERE finding IN (SELECT id FROM jitaudit.findings_log FINAL WHERE at < now() - INTERVAL 7 YEAR)
    SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1;
ALTER TABLE jitaudit.findings_history_log DELETE
    WHERE id IN (SELECT id FROM jitaudit.findings_log FINAL WHERE at < now() - INTERVAL 7 YEAR)
    SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1;
ALTER TABLE jitaudit.findings_log DELETE
    WHERE id IN (SELECT id FROM jitaudit.findings_log FINAL WHERE at < now() - INTERVAL 7 YEAR)
    SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1;
-- A grant that lasts is not old.
ALTER TABLE jitaudit.grants_log DELETE
    WHERE id IN (SELECT id FROM jitaudit.grants_log FINAL WHERE removed < now() - INTERVAL 7 YEAR)
    SETTINGS mutations_sync = 1, allow_nondeterministic_mutations = 1;
