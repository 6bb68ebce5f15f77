-- Grants of every source and the requests behind them, onward roles, how a
-- session ended and by what means it was used, suppressions, and triage.
-- Requests are Nested, though written here as the arrays that those are.

ALTER TABLE grants_log
    ADD COLUMN IF NOT EXISTS source LowCardinality(String) AFTER role,
    ADD COLUMN IF NOT EXISTS first_observed Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)) AFTER approved_until,
    ADD COLUMN IF NOT EXISTS `requests.id` Array(String) CODEC(ZSTD(1)) AFTER first_observed,
    ADD COLUMN IF NOT EXISTS `requests.origin` Array(LowCardinality(String)) AFTER `requests.id`,
    ADD COLUMN IF NOT EXISTS `requests.requester` Array(String) CODEC(ZSTD(1)) AFTER `requests.origin`,
    ADD COLUMN IF NOT EXISTS `requests.approvers` Array(Array(String)) CODEC(ZSTD(1)) AFTER `requests.requester`,
    ADD COLUMN IF NOT EXISTS `requests.at` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.approvers`,
    ADD COLUMN IF NOT EXISTS `requests.decided_at` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.at`,
    ADD COLUMN IF NOT EXISTS `requests.from` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.decided_at`,
    ADD COLUMN IF NOT EXISTS `requests.until` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.from`,
    ADD COLUMN IF NOT EXISTS `requests.subject` Array(String) CODEC(ZSTD(1)) AFTER `requests.until`,
    ADD COLUMN IF NOT EXISTS `requests.justification` Array(String) CODEC(ZSTD(1)) AFTER `requests.subject`,
    ADD COLUMN IF NOT EXISTS `requests.evidence` Array(Array(String)) CODEC(ZSTD(1)) AFTER `requests.justification`;

ALTER TABLE sessions_log
    ADD COLUMN IF NOT EXISTS ended_by LowCardinality(String) AFTER end,
    ADD COLUMN IF NOT EXISTS origins Array(LowCardinality(String)) AFTER factor_name,
    ADD COLUMN IF NOT EXISTS `chained.event_id` Array(String) CODEC(ZSTD(1)) AFTER services,
    ADD COLUMN IF NOT EXISTS `chained.at` Array(DateTime64(3, 'UTC')) CODEC(ZSTD(1)) AFTER `chained.event_id`,
    ADD COLUMN IF NOT EXISTS `chained.from` Array(String) CODEC(ZSTD(1)) AFTER `chained.at`,
    ADD COLUMN IF NOT EXISTS `chained.account` Array(LowCardinality(String)) AFTER `chained.from`,
    ADD COLUMN IF NOT EXISTS `chained.role` Array(LowCardinality(String)) AFTER `chained.account`,
    ADD COLUMN IF NOT EXISTS `chained.role_arn` Array(LowCardinality(String)) AFTER `chained.role`,
    ADD COLUMN IF NOT EXISTS `chained.principal_id` Array(String) CODEC(ZSTD(1)) AFTER `chained.role_arn`,
    ADD COLUMN IF NOT EXISTS `chained.expires` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `chained.principal_id`,
    ADD COLUMN IF NOT EXISTS `chained.first_use` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `chained.expires`,
    ADD COLUMN IF NOT EXISTS `chained.last_use` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `chained.first_use`,
    ADD COLUMN IF NOT EXISTS `chained.services` Array(Array(String)) CODEC(ZSTD(1)) AFTER `chained.last_use`,
    ADD COLUMN IF NOT EXISTS `chained.shared_id` Array(String) CODEC(ZSTD(1)) AFTER `chained.services`,
    ADD COLUMN IF NOT EXISTS `requests.id` Array(String) CODEC(ZSTD(1)) AFTER `chained.shared_id`,
    ADD COLUMN IF NOT EXISTS `requests.origin` Array(LowCardinality(String)) AFTER `requests.id`,
    ADD COLUMN IF NOT EXISTS `requests.requester` Array(String) CODEC(ZSTD(1)) AFTER `requests.origin`,
    ADD COLUMN IF NOT EXISTS `requests.approvers` Array(Array(String)) CODEC(ZSTD(1)) AFTER `requests.requester`,
    ADD COLUMN IF NOT EXISTS `requests.at` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.approvers`,
    ADD COLUMN IF NOT EXISTS `requests.decided_at` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.at`,
    ADD COLUMN IF NOT EXISTS `requests.from` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.decided_at`,
    ADD COLUMN IF NOT EXISTS `requests.until` Array(Nullable(DateTime64(3, 'UTC'))) CODEC(ZSTD(1)) AFTER `requests.from`,
    ADD COLUMN IF NOT EXISTS `requests.subject` Array(String) CODEC(ZSTD(1)) AFTER `requests.until`,
    ADD COLUMN IF NOT EXISTS `requests.justification` Array(String) CODEC(ZSTD(1)) AFTER `requests.subject`,
    ADD COLUMN IF NOT EXISTS `requests.evidence` Array(Array(String)) CODEC(ZSTD(1)) AFTER `requests.justification`;

ALTER TABLE findings_log
    ADD COLUMN IF NOT EXISTS suppressed_reason String CODEC(ZSTD(1)) AFTER evidence,
    ADD COLUMN IF NOT EXISTS suppressed_owner String CODEC(ZSTD(1)) AFTER suppressed_reason,
    ADD COLUMN IF NOT EXISTS suppressed_until Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)) AFTER suppressed_owner;

ALTER TABLE uses_log
    ADD COLUMN IF NOT EXISTS chained String CODEC(ZSTD(1)) AFTER session;

ALTER TABLE activity_log
    ADD COLUMN IF NOT EXISTS role_arn LowCardinality(String) AFTER access_key_id;

-- What people decided about findings; the latest of each counts.
CREATE TABLE IF NOT EXISTS triage_log
(
    id      String CODEC(ZSTD(1)),
    finding String CODEC(ZSTD(1)),
    status  LowCardinality(String),
    owner   String CODEC(ZSTD(1)),
    reason  String CODEC(ZSTD(1)),
    by      String CODEC(ZSTD(1)),
    at      DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    exact   String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (finding, id);

CREATE OR REPLACE VIEW grants AS
SELECT
    id, person_key, person_name, person_org, account, role, source, group_id, group,
    opened, removed, approved_until, first_observed,
    requests.id, requests.origin, requests.requester, requests.approvers, requests.at, requests.decided_at,
    requests.from, requests.until, requests.subject, requests.justification, requests.evidence,
    granted_by_id, granted_by_type, granted_by_alternate_id, granted_by_name,
    removed_by_id, removed_by_type, removed_by_alternate_id, removed_by_name,
    policy, evidence, exact, version, observed
FROM grants_log FINAL;

CREATE OR REPLACE VIEW sessions AS
SELECT
    id, person_key, person_name, person_org, account, role, session_name, federation,
    start, end, ended_by, last_use, assumptions, grant, grants,
    sign_on_event_id, sign_on_at, sign_on_joined_by, sign_on_ip,
    mfa, factor_event_id, factor_at, factor_name, origins, services,
    chained.event_id, chained.at, chained.from, chained.account, chained.role, chained.role_arn, chained.principal_id,
    chained.expires, chained.first_use, chained.last_use, chained.services, chained.shared_id,
    requests.id, requests.origin, requests.requester, requests.approvers, requests.at, requests.decided_at,
    requests.from, requests.until, requests.subject, requests.justification, requests.evidence,
    verdict, unjudged.rule, unjudged.reason, unjudged.shard, unjudged.from, unjudged.to,
    policy, evidence, exact, version, observed
FROM sessions_log FINAL;

-- triage_history shows all decisions, triage the latest about each finding.
CREATE OR REPLACE VIEW triage_history AS
SELECT id, finding, status, owner, reason, by, at, exact
FROM triage_log FINAL;

CREATE OR REPLACE VIEW triage AS
SELECT finding, latest.2 AS id, latest.3 AS status, latest.4 AS owner, latest.5 AS reason, latest.6 AS by, latest.1 AS at
FROM
(
    SELECT finding, max((at, id, status, owner, reason, by)) AS latest
    FROM triage_log FINAL
    GROUP BY finding
);

CREATE OR REPLACE VIEW findings_all AS
SELECT
    f.id AS id, f.rule AS rule, f.severity AS severity,
    multiIf(f.severity = 'critical', 5, f.severity = 'high', 4, f.severity = 'medium', 3, f.severity = 'low', 2, f.severity = 'info', 1, 0) AS severity_rank,
    f.status AS status, f.person_key AS person_key, f.person_name AS person_name, f.person_org AS person_org,
    f.anchor AS anchor, f.at AS at, f.account AS account, f.role AS role, f.session AS session, f.grant AS grant,
    f.why AS why, f.evidence AS evidence,
    f.suppressed_reason AS suppressed_reason, f.suppressed_owner AS suppressed_owner, f.suppressed_until AS suppressed_until,
    t.status AS triage_status, t.owner AS triage_owner, t.reason AS triage_reason, t.by AS triage_by,
    nullIf(t.at, toDateTime64(0, 3, 'UTC')) AS triage_at,
    f.policy AS policy, f.exact AS exact, f.version AS version, f.observed AS observed
FROM (SELECT * FROM findings_log FINAL) AS f
LEFT JOIN triage AS t ON f.id = t.finding;

CREATE OR REPLACE VIEW findings AS
SELECT
    id, rule, severity, severity_rank, status, person_key, person_name, person_org, anchor, at,
    account, role, session, grant, why, evidence,
    suppressed_reason, suppressed_owner, suppressed_until,
    triage_status, triage_owner, triage_reason, triage_by, triage_at,
    policy, exact, version, observed
FROM findings_all
WHERE status != 'retracted';

CREATE OR REPLACE VIEW uses AS
SELECT
    id, key, person_key, person_name, person_org, assumption, session, chained,
    principal_id, access_key_id, created_at, first, last, first_id, last_id, services,
    exact, version, observed
FROM uses_log FINAL;

CREATE OR REPLACE VIEW activity AS
SELECT
    event_id, use, shard, at, principal_id, access_key_id, role_arn, created_at, console, service_driven,
    service, action, denied, read_only, rank, exact
FROM activity_log FINAL;

CREATE OR REPLACE VIEW session_activity AS
SELECT
    u.session AS session, u.assumption AS assumption, u.chained AS chained,
    u.person_key AS person_key, u.person_name AS person_name, u.person_org AS person_org,
    a.at AS at, a.service AS service, a.action AS action, a.denied AS denied, a.read_only AS read_only,
    a.service_driven AS service_driven, a.console AS console, a.role_arn AS role_arn, a.shard AS shard, a.event_id AS event_id
FROM (SELECT * FROM activity_log FINAL) AS a
INNER JOIN (SELECT key, session, assumption, chained, person_key, person_name, person_org FROM uses_log FINAL) AS u ON a.use = u.key;

-- Raw events as they were collected, to be judged anew under another policy.
-- They are kept for 90 days after they were put here: what was before them in the
-- topic was put here before, so that what there is has no holes.
CREATE TABLE IF NOT EXISTS raw_events_log
(
    source LowCardinality(String),
    shard  LowCardinality(String),
    kind   LowCardinality(String),
    id     String CODEC(ZSTD(1)),
    at     DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    hash   UInt64 CODEC(NONE),
    value  String CODEC(ZSTD(3)),
    stored DateTime('UTC') DEFAULT now() CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(stored)
PARTITION BY toYYYYMM(at)
ORDER BY (shard, at, id, hash)
TTL stored + INTERVAL 90 DAY;

CREATE OR REPLACE VIEW raw_events AS
SELECT source, shard, kind, id, at, hash, value, stored
FROM raw_events_log FINAL;
