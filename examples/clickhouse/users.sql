-- Migrates: makes database, tables and views, by `jitaudit migrate`. Nobody else needs
-- to be able to. On a cluster, too: GRANT CLUSTER ON *.* TO jitaudit_migrate.
CREATE USER IF NOT EXISTS jitaudit_migrate IDENTIFIED WITH sha256_password BY 'choose-one';
GRANT CREATE DATABASE, CREATE TABLE, CREATE VIEW, ALTER TABLE, ALTER VIEW, DROP TABLE, DROP VIEW, SELECT, INSERT ON jitaudit.* TO jitaudit_migrate;

-- Writes: what `jitaudit sink clickhouse` needs when all migrations are applied. It can
-- read nothing but which those are, and change or delete nothing.
CREATE USER IF NOT EXISTS jitaudit_write IDENTIFIED WITH sha256_password BY 'choose-another';
GRANT SELECT ON jitaudit.schema_migrations TO jitaudit_write;
GRANT INSERT ON jitaudit.grants_log TO jitaudit_write;
GRANT INSERT ON jitaudit.assumptions_log TO jitaudit_write;
GRANT INSERT ON jitaudit.sessions_log TO jitaudit_write;
GRANT INSERT ON jitaudit.findings_log TO jitaudit_write;
GRANT INSERT ON jitaudit.findings_history_log TO jitaudit_write;
GRANT INSERT ON jitaudit.uses_log TO jitaudit_write;
GRANT INSERT ON jitaudit.coverage_log TO jitaudit_write;
GRANT INSERT ON jitaudit.activity_log TO jitaudit_write;
GRANT INSERT ON jitaudit.triage_log TO jitaudit_write;
GRANT INSERT ON jitaudit.raw_events_log TO jitaudit_write;
GRANT INSERT ON jitaudit.dead_letters_log TO jitaudit_write;
GRANT INSERT ON jitaudit.policies_log TO jitaudit_write;

-- Only where sinks.clickhouse.raw_events_ttl is not 90d: the sink alters both then.
GRANT ALTER TTL ON jitaudit.raw_events_log TO jitaudit_write;
GRANT ALTER MODIFY COLUMN ON jitaudit.dead_letters_log TO jitaudit_write;
