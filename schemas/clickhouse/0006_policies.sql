-- Which policies there were, from when on each has judged, and what it said.
CREATE TABLE IF NOT EXISTS policies_log
(
    id             String CODEC(ZSTD(1)),
    name           String CODEC(ZSTD(1)),
    effective_from Nullable(DateTime64(3, 'UTC')) CODEC(ZSTD(1)),
    published      DateTime64(3, 'UTC') CODEC(ZSTD(1)),
    text           String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY id;

CREATE OR REPLACE VIEW policies AS
SELECT id, name, effective_from, published, text
FROM policies_log FINAL;
