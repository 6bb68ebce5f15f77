-- One table per record of package schemas, named *_log: every version that was
-- published, until a merge drops the older ones. Read them through the views of
-- 0002, which show the latest version of what still exists.
--
-- Objects of a record are flat columns (person.key is person_key), lists of
-- objects are Nested (unjudged.rule, unjudged.reason …). A time that a record
-- may leave out is Nullable. `exact` is the record as it was published, and
-- empty as long as the other columns say the same, byte for byte.
--
-- The results are not partitioned: ReplacingMergeTree replaces inside one
-- partition only, and the time of none of them is fixed by its id (a corrected
-- copy of an event may carry another time). Uses and activity are: their key
-- names the quarter of an hour in which they lie.

CREATE TABLE IF NOT EXISTS grants_log
(
    id                      String CODEC(ZSTD(1)),
    person_key              String CODEC(ZSTD(1)),
    person_name             String CODEC(ZSTD(1)),
    person_org              LowCardinality(String),
    account                 LowCardinality(String),
    role                    LowCardinality(String),
    group_id                LowCardinality(String),
    group                   LowCardinality(String),
    opened                  Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    removed                 Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    approved_until          Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    granted_by_id           String CODEC(ZSTD(1)),
    granted_by_type         LowCardinality(String),
    granted_by_alternate_id String CODEC(ZSTD(1)),
    granted_by_name         String CODEC(ZSTD(1)),
    removed_by_id           String CODEC(ZSTD(1)),
    removed_by_type         LowCardinality(String),
    removed_by_alternate_id String CODEC(ZSTD(1)),
    removed_by_name         String CODEC(ZSTD(1)),
    policy                  LowCardinality(String),
    evidence                Array(String) CODEC(ZSTD(1)),
    exact                   String CODEC(ZSTD(3)),
    version                 UInt64 CODEC(ZSTD(1)),
    observed                Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    deleted                 UInt8,
    superseded_by           String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY id;

CREATE TABLE IF NOT EXISTS assumptions_log
(
    id            String CODEC(ZSTD(1)),
    event_id      String CODEC(ZSTD(1)),
    person_key    String CODEC(ZSTD(1)),
    person_name   String CODEC(ZSTD(1)),
    person_org    LowCardinality(String),
    at            DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    expires       Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    account       LowCardinality(String),
    role          LowCardinality(String),
    role_arn      LowCardinality(String),
    session_name  String CODEC(ZSTD(1)),
    federation    LowCardinality(String),
    provider_arn  LowCardinality(String),
    assertion_id  String CODEC(ZSTD(1)),
    ip            String CODEC(ZSTD(1)),
    user_agent    LowCardinality(String),
    session       String CODEC(ZSTD(1)),
    sign_on       String CODEC(ZSTD(1)),
    joined_by     LowCardinality(String),
    grants        Array(String) CODEC(ZSTD(1)),
    first_use     Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    last_use      Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    policy        LowCardinality(String),
    exact         String CODEC(ZSTD(3)),
    version       UInt64 CODEC(ZSTD(1)),
    observed      Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    deleted       UInt8,
    superseded_by String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY id;

CREATE TABLE IF NOT EXISTS sessions_log
(
    id                String CODEC(ZSTD(1)),
    person_key        String CODEC(ZSTD(1)),
    person_name       String CODEC(ZSTD(1)),
    person_org        LowCardinality(String),
    account           LowCardinality(String),
    role              LowCardinality(String),
    session_name      String CODEC(ZSTD(1)),
    federation        LowCardinality(String),
    start             DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    end               DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    last_use          Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    assumptions       Array(String) CODEC(ZSTD(1)),
    grant             String CODEC(ZSTD(1)),
    grants            Array(String) CODEC(ZSTD(1)),
    sign_on_event_id  String CODEC(ZSTD(1)),
    sign_on_at        Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    sign_on_joined_by LowCardinality(String),
    sign_on_ip        String CODEC(ZSTD(1)),
    mfa               LowCardinality(String),
    factor_event_id   String CODEC(ZSTD(1)),
    factor_at         Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    factor_name       LowCardinality(String),
    services          Array(LowCardinality(String)),
    verdict           LowCardinality(String),
    unjudged          Nested
    (
        rule   LowCardinality(String),
        reason LowCardinality(String),
        shard  LowCardinality(String),
        from   Nullable(DateTime64(3, 'UTC')),
        to     Nullable(DateTime64(3, 'UTC'))
    ),
    policy            LowCardinality(String),
    evidence          Array(String) CODEC(ZSTD(1)),
    exact             String CODEC(ZSTD(3)),
    version           UInt64 CODEC(ZSTD(1)),
    observed          Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    deleted           UInt8,
    superseded_by     String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY id;

CREATE TABLE IF NOT EXISTS findings_log
(
    id            String CODEC(ZSTD(1)),
    rule          LowCardinality(String),
    severity      LowCardinality(String),
    status        LowCardinality(String),
    person_key    String CODEC(ZSTD(1)),
    person_name   String CODEC(ZSTD(1)),
    person_org    LowCardinality(String),
    anchor        String CODEC(ZSTD(1)),
    at            DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    account       LowCardinality(String),
    role          LowCardinality(String),
    session       String CODEC(ZSTD(1)),
    grant         String CODEC(ZSTD(1)),
    why           String CODEC(ZSTD(1)),
    evidence      Array(String) CODEC(ZSTD(1)),
    policy        LowCardinality(String),
    exact         String CODEC(ZSTD(3)),
    version       UInt64 CODEC(ZSTD(1)),
    observed      Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    deleted       UInt8,
    superseded_by String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY id;

-- The month is a function of the key, hence of the id: in the sorting key it
-- changes nothing about what is replaced, and tells the server that it may leave
-- out months before FINAL.
CREATE TABLE IF NOT EXISTS uses_log
(
    id            String CODEC(ZSTD(1)),
    key           String CODEC(ZSTD(1)),
    person_key    String CODEC(ZSTD(1)),
    person_name   String CODEC(ZSTD(1)),
    person_org    LowCardinality(String),
    assumption    String CODEC(ZSTD(1)),
    session       String CODEC(ZSTD(1)),
    principal_id  String CODEC(ZSTD(1)),
    access_key_id String CODEC(ZSTD(1)),
    created_at    Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    first         DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    last          DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    first_id      String CODEC(ZSTD(1)),
    last_id       String CODEC(ZSTD(1)),
    services      Array(LowCardinality(String)),
    exact         String CODEC(ZSTD(3)),
    version       UInt64 CODEC(ZSTD(1)),
    observed      Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    deleted       UInt8,
    superseded_by String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree(version, deleted)
PARTITION BY toYYYYMM(first)
ORDER BY (id, toYYYYMM(first));

CREATE TABLE IF NOT EXISTS coverage_log
(
    id            String,
    partition     UInt32,
    partitions    UInt32,
    shard         LowCardinality(String),
    intervals     Nested
    (
        from  DateTime64(3, 'UTC'),
        to    DateTime64(3, 'UTC'),
        basis LowCardinality(String)
    ),
    exact         String CODEC(ZSTD(3)),
    version       UInt64,
    observed      Nullable(DateTime64(3, 'UTC')),
    deleted       UInt8,
    superseded_by String
)
ENGINE = ReplacingMergeTree(version, deleted)
ORDER BY id;

-- Of several copies of an event the one of the greatest rank counts. Copies
-- arrive at least once.
CREATE TABLE IF NOT EXISTS activity_log
(
    event_id       String CODEC(ZSTD(1)),
    use            String CODEC(ZSTD(1)),
    shard          LowCardinality(String),
    at             DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    principal_id   String CODEC(ZSTD(1)),
    access_key_id  String CODEC(ZSTD(1)),
    created_at     Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    console        Bool,
    service_driven Bool,
    service        LowCardinality(String),
    action         LowCardinality(String),
    denied         Bool,
    read_only      Bool,
    rank           UInt64 CODEC(ZSTD(1)),
    exact          String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree(rank)
PARTITION BY toYYYYMM(at)
ORDER BY (use, event_id, toYYYYMM(at));
