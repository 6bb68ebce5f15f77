package clickhouse

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// TestIndexesLeaveOutMostOfTheTable judges each index by what the server says that it
// reads of generated rows.
func TestIndexesLeaveOutMostOfTheTable(t *testing.T) {
	db := migrated(t)
	const ses = "'ses_' || lower(hex(sipHash128(number)))"
	for _, sql := range []string{
		"INSERT INTO assumptions_log (id, session, version) SELECT 'asm_' || lower(hex(sipHash128(number, 1))), " + ses + ", 1 FROM numbers(200000)",
		"INSERT INTO findings_log (id, session, grant, version) SELECT 'fnd_' || lower(hex(sipHash128(number, 2))), " + ses + ", 'grt_' || toString(number), 1 FROM numbers(200000)",
		"INSERT INTO uses_log (id, session, first, version) SELECT 'use_' || lower(hex(sipHash128(number, 3))), " + ses + ", '2026-05-04 00:00:00', 1 FROM numbers(200000)",
	} {
		ask(t, db, sql)
	}
	for index, sql := range map[string]string{
		"by_session":   "assumptions WHERE session = 'ses_' || lower(hex(sipHash128(toUInt64(77))))",
		"by_session ":  "uses WHERE session = 'ses_' || lower(hex(sipHash128(toUInt64(77))))",
		"by_session  ": "findings WHERE session = 'ses_' || lower(hex(sipHash128(toUInt64(77))))",
		"by_grant":     "findings WHERE `grant` = 'grt_77'",
	} {
		plan := ask(t, db, "EXPLAIN indexes = 1 SELECT * FROM "+sql)
		_, used, found := strings.Cut(plan, "Name: "+strings.TrimSpace(index))
		m := regexp.MustCompile(`Granules: (\d+)/(\d+)`).FindStringSubmatch(used)
		if !found || m == nil {
			t.Errorf("%s: the index is not used:\n%s", sql, plan)
			continue
		}
		left, err := strconv.Atoi(m[1])
		all, again := strconv.Atoi(m[2])
		if err != nil || again != nil || left*5 > all {
			t.Errorf("%s: reads %d of %d granules", sql, left, all)
		}
		if n := count(t, db, "SELECT count() FROM "+sql); n != 1 {
			t.Errorf("%s: found %d", sql, n)
		}
	}
}

// TestAnIndexBringsNoStaleVersionBack: the granule with the later version does not
// have what is looked for, and must be read all the same.
func TestAnIndexBringsNoStaleVersionBack(t *testing.T) {
	db := migrated(t)
	for _, table := range []string{"assumptions_log", "findings_log", "uses_log"} {
		ask(t, db, "SYSTEM STOP MERGES "+table)
	}
	for version, session := range []string{"before", "after"} {
		meta := schemas.Meta{Version: int64(version)}
		write(t, db, topics.Assumptions, encode(t, &schemas.Assumption{ID: "a", Session: session, At: day, Meta: meta}))
		write(t, db, topics.Findings, finding("f", int64(version), schemas.Open, func(f *schemas.Finding) { f.Session, f.Grant = session, session }))
		write(t, db, topics.Uses, encode(t, ptr(use("key", session, day, int64(version)))))
	}
	for sql, want := range map[string]string{
		"SELECT count() FROM assumptions WHERE session = 'before'": "0", "SELECT count() FROM assumptions WHERE session = 'after'": "1",
		"SELECT count() FROM findings WHERE session = 'before'": "0", "SELECT count() FROM findings WHERE session = 'after'": "1",
		"SELECT count() FROM findings WHERE `grant` = 'before'": "0", "SELECT count() FROM findings WHERE `grant` = 'after'": "1",
		"SELECT count() FROM uses WHERE session = 'before'": "0", "SELECT count() FROM uses WHERE session = 'after'": "1",
	} {
		if got := ask(t, db, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}
