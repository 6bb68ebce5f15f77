-- Every version of a finding, dead letters, what of the raw events is here, which
-- policies judged, and who could get in at an instant.

-- findings_log keeps the latest version of a finding, this one all that the sink
-- has seen: id and version together name a row, which never changes.
CREATE TABLE IF NOT EXISTS findings_history_log
(
    id                String CODEC(ZSTD(1)),
    rule              LowCardinality(String),
    severity          LowCardinality(String),
    status            LowCardinality(String),
    person_key        String CODEC(ZSTD(1)),
    person_name       String CODEC(ZSTD(1)),
    person_org        LowCardinality(String),
    anchor            String CODEC(ZSTD(1)),
    at                DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    account           LowCardinality(String),
    role              LowCardinality(String),
    session           String CODEC(ZSTD(1)),
    grant             String CODEC(ZSTD(1)),
    why               String CODEC(ZSTD(1)),
    evidence          Array(String) CODEC(ZSTD(1)),
    suppressed_reason String CODEC(ZSTD(1)),
    suppressed_owner  String CODEC(ZSTD(1)),
    suppressed_until  Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    policy            LowCardinality(String),
    exact             String CODEC(ZSTD(3)),
    version           UInt64 CODEC(ZSTD(1)),
    observed          Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    deleted           UInt8,
    superseded_by     String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (id, version);

-- What merges have left of the time before.
INSERT INTO findings_history_log
    (id, rule, severity, status, person_key, person_name, person_org, anchor, at, account, role, session, grant, why, evidence,
     suppressed_reason, suppressed_owner, suppressed_until, policy, exact, version, observed, deleted, superseded_by)
SELECT
    id, rule, severity, status, person_key, person_name, person_org, anchor, at, account, role, session, grant, why, evidence,
    suppressed_reason, suppressed_owner, suppressed_until, policy, exact, version, observed, deleted, superseded_by
FROM findings_log;

-- A letter that was written twice is one: hash is that of reason and bytes. The
-- bytes go when raw events do, the letter stays.
CREATE TABLE IF NOT EXISTS dead_letters_log
(
    source   LowCardinality(String),
    file     LowCardinality(String),
    record   Int64 CODEC(ZSTD(1)),
    offset   Int64 CODEC(ZSTD(1)),
    hash     UInt64 CODEC(NONE),
    reason   String CODEC(ZSTD(1)),
    raw      String CODEC(ZSTD(3)) TTL toDateTime(observed) + INTERVAL 90 DAY,
    observed DateTime64(3, 'UTC') CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(observed)
ORDER BY (source, file, record, offset, hash);

CREATE OR REPLACE VIEW findings_history AS
SELECT
    id, version, observed, any(observed) OVER (PARTITION BY id ORDER BY version ROWS BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS replaced,
    rule, severity,
    multiIf(severity = 'critical', 5, severity = 'high', 4, severity = 'medium', 3, severity = 'low', 2, severity = 'info', 1, 0) AS severity_rank,
    status, deleted, person_key, person_name, person_org, anchor, at, account, role, session, grant, why, evidence,
    suppressed_reason, suppressed_owner, suppressed_until, policy, exact
FROM findings_history_log FINAL;

CREATE OR REPLACE VIEW dead_letters AS
SELECT
    source,
    multiIf(file LIKE 'raw.%', 'resolve', file LIKE 'facts/%', 'rebuild', source = 'pipeline', 'sink', 'collect') AS stage,
    file, record, offset, reason, raw, observed
FROM dead_letters_log FINAL;

-- What can be counted without counting twice: events are told apart by their ids,
-- copies of one event by their bytes, letters by their place.
CREATE OR REPLACE VIEW ledger AS
SELECT
    source, sum(e) AS events, sum(c) AS copies, sum(c) - sum(e) AS corrected, sum(l) AS listed,
    nullIf(minIf(a, n > 0), toDateTime64(0, 3, 'UTC')) AS first, nullIf(maxIf(z, n > 0), toDateTime64(0, 3, 'UTC')) AS last,
    sum(d_collect) AS dead_collect, sum(d_resolve) AS dead_resolve, sum(d_rebuild) AS dead_rebuild, sum(d_sink) AS dead_sink
FROM
(
    SELECT
        source,
        uniqExactIf((shard, if(id = '', toString(hash), id)), kind = 'event') AS e,
        uniqExactIf((shard, id, hash), kind = 'event') AS c,
        countIf(kind IN ('member', 'snapshot', 'request', 'user')) AS l,
        countIf(kind = 'event') AS n, minIf(at, kind = 'event') AS a, maxIf(at, kind = 'event') AS z,
        0 AS d_collect, 0 AS d_resolve, 0 AS d_rebuild, 0 AS d_sink
    FROM (SELECT source, shard, kind, id, hash, at FROM raw_events_log FINAL)
    GROUP BY source
    UNION ALL
    SELECT
        source, 0, 0, 0, 0, toDateTime64(0, 3, 'UTC'), toDateTime64(0, 3, 'UTC'),
        countIf(stage = 'collect'), countIf(stage = 'resolve'), countIf(stage = 'rebuild'), countIf(stage = 'sink')
    FROM dead_letters
    GROUP BY source
)
GROUP BY source;

CREATE OR REPLACE VIEW policies_applied AS
SELECT
    policy,
    nullIf(minIf(at, kind = 'assumption'), toDateTime64(0, 3, 'UTC')) AS first,
    nullIf(maxIf(at, kind = 'assumption'), toDateTime64(0, 3, 'UTC')) AS last,
    countIf(kind = 'assumption') AS assumptions, countIf(kind = 'session') AS sessions,
    countIf(kind = 'finding') AS findings, countIf(kind = 'grant') AS grants
FROM
(
    SELECT policy, at, 'assumption' AS kind FROM assumptions_log FINAL
    UNION ALL
    SELECT policy, start, 'session' FROM sessions_log FINAL
    UNION ALL
    SELECT policy, at, 'finding' FROM findings_log FINAL WHERE status != 'retracted'
    UNION ALL
    SELECT policy, toDateTime64(0, 3, 'UTC'), 'grant' FROM grants_log FINAL
)
GROUP BY policy;

-- A request for a role itself ends when its approved time does; of any other grant
-- the approved end alone takes nothing away.
CREATE OR REPLACE VIEW who_had_access AS
SELECT
    person_key, person_name, person_org, account, role, source, group, id AS grant,
    if(opened <= {at:DateTime64(3, 'UTC')} OR first_observed <= {at:DateTime64(3, 'UTC')}, 'yes', 'unknown') AS known,
    opened, first_observed, removed, approved_until,
    source != 'request' AND ifNull(approved_until <= {at:DateTime64(3, 'UTC')}, 0) AS overdue,
    arrayDistinct(arrayFlatten(requests.approvers)) AS approvers, granted_by_name, evidence
FROM grants_log FINAL
WHERE ifNull(opened <= {at:DateTime64(3, 'UTC')}, 1) AND ifNull(removed > {at:DateTime64(3, 'UTC')}, 1)
    AND NOT (source = 'request' AND ifNull(approved_until <= {at:DateTime64(3, 'UTC')}, 0));
