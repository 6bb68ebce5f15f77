-- Reads only, may bound how long a query takes (Grafana does), and cannot take the
-- whole server for it.
CREATE SETTINGS PROFILE IF NOT EXISTS jitaudit_read SETTINGS
    readonly = 1,
    max_execution_time = 60 MIN 1 MAX 300 CHANGEABLE_IN_READONLY,
    max_memory_usage = 4000000000;

-- Sees all. Whoever may read a view needs the tables below it, too.
CREATE USER IF NOT EXISTS jitaudit_dashboard IDENTIFIED WITH sha256_password BY 'choose-one' SETTINGS PROFILE jitaudit_read;
GRANT SELECT ON jitaudit.* TO jitaudit_dashboard;

-- No raw events and letters: they are logs, with whatever is in them.
REVOKE SELECT ON jitaudit.raw_events FROM jitaudit_dashboard;
REVOKE SELECT ON jitaudit.raw_events_log FROM jitaudit_dashboard;
REVOKE SELECT ON jitaudit.dead_letters FROM jitaudit_dashboard;
REVOKE SELECT ON jitaudit.dead_letters_log FROM jitaudit_dashboard;

-- Sees what concerns two accounts. A table without a policy would be seen whole, so
-- that this user gets none but those that have one, and decisions.
CREATE USER IF NOT EXISTS jitaudit_team IDENTIFIED WITH sha256_password BY 'choose-another' SETTINGS PROFILE jitaudit_read;
GRANT SELECT ON jitaudit.grants TO jitaudit_team;
GRANT SELECT ON jitaudit.grants_log TO jitaudit_team;
GRANT SELECT ON jitaudit.who_had_access TO jitaudit_team;
GRANT SELECT ON jitaudit.assumptions TO jitaudit_team;
GRANT SELECT ON jitaudit.assumptions_log TO jitaudit_team;
GRANT SELECT ON jitaudit.sessions TO jitaudit_team;
GRANT SELECT ON jitaudit.sessions_log TO jitaudit_team;
GRANT SELECT ON jitaudit.findings TO jitaudit_team;
GRANT SELECT ON jitaudit.findings_all TO jitaudit_team;
GRANT SELECT ON jitaudit.findings_log TO jitaudit_team;
GRANT SELECT ON jitaudit.findings_history TO jitaudit_team;
GRANT SELECT ON jitaudit.findings_history_log TO jitaudit_team;
GRANT SELECT ON jitaudit.triage TO jitaudit_team;
GRANT SELECT ON jitaudit.triage_log TO jitaudit_team;
GRANT SELECT ON jitaudit.coverage TO jitaudit_team;
GRANT SELECT ON jitaudit.coverage_log TO jitaudit_team;

CREATE ROW POLICY IF NOT EXISTS jitaudit_team_accounts
    ON jitaudit.grants_log, jitaudit.assumptions_log, jitaudit.sessions_log, jitaudit.findings_log, jitaudit.findings_history_log
    FOR SELECT USING account IN ('111111111111', '222222222222') TO jitaudit_team;

-- Once a table has a policy, some servers show nothing of it to those without one.
CREATE ROW POLICY IF NOT EXISTS jitaudit_all_others
    ON jitaudit.grants_log, jitaudit.assumptions_log, jitaudit.sessions_log, jitaudit.findings_log, jitaudit.findings_history_log
    FOR SELECT USING 1 TO ALL EXCEPT jitaudit_team;
