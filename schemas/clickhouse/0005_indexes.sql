-- What belongs to a session or a grant is found without reading the whole table.
-- Tables are sorted by ids, which are hashes: a session's rows are in few granules,
-- but those of a person, an account, a rule or a day are in nearly all, and an index
-- on any of these leaves nothing out.

ALTER TABLE assumptions_log ADD INDEX IF NOT EXISTS by_session session TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE findings_log ADD INDEX IF NOT EXISTS by_session session TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE findings_log ADD INDEX IF NOT EXISTS by_grant `grant` TYPE bloom_filter(0.01) GRANULARITY 1;
ALTER TABLE uses_log ADD INDEX IF NOT EXISTS by_session session TYPE bloom_filter(0.01) GRANULARITY 1;

ALTER TABLE assumptions_log MATERIALIZE INDEX IF EXISTS by_session;
ALTER TABLE findings_log MATERIALIZE INDEX IF EXISTS by_session;
ALTER TABLE findings_log MATERIALIZE INDEX IF EXISTS by_grant;
ALTER TABLE uses_log MATERIALIZE INDEX IF EXISTS by_session;
