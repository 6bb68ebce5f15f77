-- What analysts read: docs/clickhouse.md. FINAL and deletion are taken care of.

CREATE VIEW IF NOT EXISTS grants AS
SELECT
    id, person_key, person_name, person_org, account, role, group_id, group,
    opened, removed, approved_until,
    granted_by_id, granted_by_type, granted_by_alternate_id, granted_by_name,
    removed_by_id, removed_by_type, removed_by_alternate_id, removed_by_name,
    policy, evidence, exact, version, observed
FROM grants_log FINAL;

CREATE VIEW IF NOT EXISTS assumptions AS
SELECT
    id, event_id, person_key, person_name, person_org, at, expires,
    account, role, role_arn, session_name, federation, provider_arn, assertion_id, ip, user_agent,
    session, sign_on, joined_by, grants, first_use, last_use,
    policy, exact, version, observed
FROM assumptions_log FINAL;

CREATE VIEW IF NOT EXISTS sessions AS
SELECT
    id, person_key, person_name, person_org, account, role, session_name, federation,
    start, end, last_use, assumptions, grant, grants,
    sign_on_event_id, sign_on_at, sign_on_joined_by, sign_on_ip,
    mfa, factor_event_id, factor_at, factor_name, services, verdict,
    unjudged.rule, unjudged.reason, unjudged.shard, unjudged.from, unjudged.to,
    policy, evidence, exact, version, observed
FROM sessions_log FINAL;

-- findings_all shows retracted findings too, those that were never true.
CREATE VIEW IF NOT EXISTS findings_all AS
SELECT
    id, rule, severity,
    multiIf(severity = 'critical', 5, severity = 'high', 4, severity = 'medium', 3, severity = 'low', 2, severity = 'info', 1, 0) AS severity_rank,
    status, person_key, person_name, person_org, anchor, at, account, role, session, grant,
    why, evidence, policy, exact, version, observed
FROM findings_log FINAL;

CREATE VIEW IF NOT EXISTS findings AS
SELECT
    id, rule, severity, severity_rank, status, person_key, person_name, person_org, anchor, at,
    account, role, session, grant, why, evidence, policy, exact, version, observed
FROM findings_all
WHERE status != 'retracted';

CREATE VIEW IF NOT EXISTS uses AS
SELECT
    id, key, person_key, person_name, person_org, assumption, session,
    principal_id, access_key_id, created_at, first, last, first_id, last_id, services,
    exact, version, observed
FROM uses_log FINAL;

CREATE VIEW IF NOT EXISTS activity AS
SELECT
    event_id, use, shard, at, principal_id, access_key_id, created_at, console, service_driven,
    service, action, denied, read_only, rank, exact
FROM activity_log FINAL;

-- Calls of which no use is known yet belong to no session, and are not here.
CREATE VIEW IF NOT EXISTS session_activity AS
SELECT
    u.session AS session, u.assumption AS assumption,
    u.person_key AS person_key, u.person_name AS person_name, u.person_org AS person_org,
    a.at AS at, a.service AS service, a.action AS action, a.denied AS denied, a.read_only AS read_only,
    a.service_driven AS service_driven, a.console AS console, a.shard AS shard, a.event_id AS event_id
FROM (SELECT * FROM activity_log FINAL) AS a
INNER JOIN (SELECT key, session, assumption, person_key, person_name, person_org FROM uses_log FINAL) AS u ON a.use = u.key;

-- Distinct events per session: copies of one call are one, by FINAL; those that
-- name different uses of a session are one by their id.
CREATE VIEW IF NOT EXISTS activity_counts AS
SELECT
    u.session AS session,
    uniqExact(a.event_id) AS calls,
    uniqExactIf(a.event_id, NOT a.read_only) AS writes,
    uniqExactIf(a.event_id, a.denied) AS denied,
    uniqExactIf(a.event_id, a.service_driven) AS service_driven
FROM (SELECT event_id, use, read_only, denied, service_driven FROM activity_log FINAL) AS a
INNER JOIN (SELECT key, session FROM uses_log FINAL) AS u ON a.use = u.key
GROUP BY session;

-- coverage_partitions is what each partition of the results has taken into
-- account; coverage is what all of them have, and so what the results know of a
-- shard.
CREATE VIEW IF NOT EXISTS coverage_partitions AS
SELECT
    id, partition, partitions, shard, intervals.from, intervals.to, intervals.basis, exact, version, observed
FROM coverage_log FINAL;

-- The intersection of the partitions' intervals, found by walking along their
-- ends: depth is how many partitions hold what follows an end, verified how many
-- of them hold it verified. Pieces that touch and agree are one interval.
CREATE VIEW IF NOT EXISTS coverage AS
SELECT
    shard,
    toUInt32(n) AS partitions,
    toUInt32(answered) AS reporting,
    arrayMap(run -> run[1].1, runs) AS `intervals.from`,
    arrayMap(run -> run[-1].2, runs) AS `intervals.to`,
    arrayMap(run -> run[1].3, runs) AS `intervals.basis`,
    oldest AS observed
FROM
(
    SELECT
        shard, n, answered, oldest,
        arrayFilter(
            (piece, d) -> d >= n AND piece.1 < piece.2,
            arrayMap((from, to, v) -> (from, to, if(v >= n, 'verified', 'assumed')),
                edges.1, arraySlice(arrayPushBack(edges.1, toDateTime64(0, 3, 'UTC')), 2), arrayCumSum(edges.3)),
            arrayCumSum(edges.2)) AS pieces,
        arraySplit(
            (piece, before) -> piece.1 != before.2 OR piece.3 != before.3,
            pieces,
            arraySlice(arrayPushFront(pieces, (toDateTime64(0, 3, 'UTC'), toDateTime64(0, 3, 'UTC'), '')), 1, length(pieces))) AS runs
    FROM
    (
        SELECT
            shard,
            max(partitions) AS n,
            count() AS answered,
            min(observed) AS oldest,
            arraySort(arrayFlatten(groupArray(arrayConcat(
                arrayMap((at, basis) -> (at, 1, toInt8(basis = 'verified')), intervals.from, intervals.basis),
                arrayMap((at, basis) -> (at, -1, -toInt8(basis = 'verified')), intervals.to, intervals.basis))))) AS edges
        FROM coverage_log FINAL
        GROUP BY shard
    )
);
