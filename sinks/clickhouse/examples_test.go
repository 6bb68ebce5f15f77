package clickhouse

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"jitaudit/schemas"
	ddl "jitaudit/schemas/clickhouse"
	"jitaudit/schemas/topics"
)

// example are the statements of a file for operators.
func example(t *testing.T, name string) []string {
	t.Helper()
	text, err := os.ReadFile("../../examples/clickhouse/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return ddl.Migration{SQL: string(text)}.Statements()
}

// inDatabase is a statement for a test's database.
func inDatabase(db *DB, sql string) string {
	return strings.ReplaceAll(sql, "jitaudit.", db.cfg.Database+".")
}

// parses wants ClickHouse's own parser to take a statement.
func parses(t *testing.T, db *DB, sql string) {
	t.Helper()
	if got := ask(t, db, "SELECT formatQuery("+literal(sql)+")"); got == "" {
		t.Errorf("nothing is left of %s", sql)
	}
}

func TestTheParserTakesEveryExample(t *testing.T) {
	db := migrated(t)
	files, err := filepath.Glob("../../examples/clickhouse/*.sql")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		for _, sql := range example(t, filepath.Base(f)) {
			first, _, _ := strings.Cut(sql, "\n")
			t.Run(filepath.Base(f)+" "+first, func(t *testing.T) { parses(t, db, sql) })
		}
	}
	if err := db.exec(deadline(t), db.cfg.Database, "parse", "SELECT formatQuery('GRANT INSRT ON a.b TO c')"); err == nil {
		t.Error("the parser takes anything")
	}
}

// TestTheWriterHasTheRightsThatTheSinkNeeds and no others: it is watched what the
// sink asks of a server whose migrations are applied.
func TestTheWriterHasTheRightsThatTheSinkNeeds(t *testing.T) {
	prepared := migrated(t)
	used := map[string]bool{}
	var mu sync.Mutex
	target, err := url.Parse(prepared.cfg.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sql := r.URL.Query().Get("query")
		if sql == "" {
			b, err := peek(r)
			if err != nil {
				t.Error(err)
			}
			sql = b
		}
		mu.Lock()
		defer mu.Unlock()
		if m := regexp.MustCompile("INSERT INTO `(\\w+)`").FindStringSubmatch(sql); m != nil {
			used["INSERT ON "+m[1]] = true
		}
		if m := regexp.MustCompile(`FROM (\w+_log|\w+_migrations)`).FindStringSubmatch(sql); m != nil {
			used["SELECT ON "+m[1]] = true
		}
		if regexp.MustCompile(`^(CREATE|ALTER|DROP)`).MatchString(sql) {
			used[sql] = true
		}
		proxy.ServeHTTP(w, r)
	}))
	defer s.Close()
	cfg := prepared.cfg
	cfg.URL = s.URL
	db := open(t, cfg)
	if err := db.Migrate(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := db.KeepRaw(deadline(t), 90*aDay); err != nil {
		t.Fatal(err)
	}
	sample(t, db)
	write(t, db, topics.Triage, encode(t, &schemas.Triage{ID: "t", Finding: "f"}))

	granted := map[string]bool{}
	for _, sql := range example(t, "users.sql") {
		m := regexp.MustCompile(`^GRANT (SELECT|INSERT) ON jitaudit\.(\w+) TO jitaudit_write$`).FindStringSubmatch(sql)
		if m != nil {
			granted[m[1]+" ON "+m[2]] = true
		}
	}
	for right := range used {
		if !granted[right] {
			t.Errorf("the sink needs %s, which users.sql does not grant", right)
		}
	}
	for right := range granted {
		if !used[right] {
			t.Errorf("users.sql grants %s, which the sink does not use", right)
		}
	}
}

// run runs the statements of an example on a test's database.
func runExample(t *testing.T, db *DB, name string, parameters clickhouse.Parameters) {
	t.Helper()
	ctx := clickhouse.Context(deadline(t), clickhouse.WithParameters(parameters))
	for _, sql := range example(t, name) {
		if err := db.exec(ctx, db.cfg.Database, name, inDatabase(db, sql)); err != nil {
			t.Fatalf("%v\n%s", err, sql)
		}
	}
}

// TestRetentionDropsWhatIsOldAndNothingElse, all versions of it at once.
func TestRetentionDropsWhatIsOldAndNothingElse(t *testing.T) {
	db := migrated(t)
	now := time.Now().UTC().Truncate(time.Second)
	old, young := now.AddDate(-8, 0, 0), now.AddDate(-1, 0, 0)
	for id, at := range map[string]time.Time{"old": old, "young": young} {
		meta := schemas.Meta{Version: 2}
		write(t, db, topics.Sessions, session(id, 2, func(s *schemas.Session) { s.Start, s.End = at, at }))
		// An earlier version that was later, and would come out again.
		write(t, db, topics.Sessions, session(id, 1, func(s *schemas.Session) { s.Start, s.End = now, now }))
		write(t, db, topics.Assumptions, encode(t, &schemas.Assumption{ID: id, At: at, Meta: meta}))
		write(t, db, topics.Findings, finding(id, 1, schemas.Open, func(f *schemas.Finding) { f.At = now }), finding(id, 2, schemas.Open, func(f *schemas.Finding) { f.At = at }))
		write(t, db, topics.Triage, encode(t, &schemas.Triage{ID: "t" + id, Finding: id}))
		write(t, db, topics.Grants, encode(t, &schemas.Grant{ID: id, Opened: old, Removed: at, Meta: meta}), encode(t, &schemas.Grant{ID: "lasts", Opened: old}))
		write(t, db, topics.Activity, call(id, "key", at, 1, nil))
		write(t, db, topics.Uses, encode(t, ptr(use("key"+id, "ses", at, 1))))
	}
	for range 2 {
		runExample(t, db, "retention.sql", nil)
	}
	for _, table := range []string{"activity_log", "uses_log"} {
		ask(t, db, "OPTIMIZE TABLE "+table+" FINAL")
	}
	for sql, want := range map[string]string{
		"SELECT groupArray(id) FROM sessions":                            "[young]",
		"SELECT groupArray(id) FROM sessions_log WHERE id = 'old'":       "[]",
		"SELECT groupArray(id) FROM assumptions":                         "[young]",
		"SELECT groupArray(id) FROM findings_all":                        "[young]",
		"SELECT groupUniqArray(id) FROM findings_history":                "[young]",
		"SELECT groupArray(id) FROM triage_history":                      "[tyoung]",
		"SELECT groupArray(id) FROM (SELECT id FROM grants ORDER BY id)": "[lasts young]",
		"SELECT groupArray(event_id) FROM activity":                      "[young]",
		"SELECT groupArray(key) FROM uses":                               "[keyyoung]",
	} {
		if got := ask(t, db, sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
}

func TestErasureTakesAPersonOutAndLeavesTheCounts(t *testing.T) {
	db := migrated(t)
	everythingOf(t, db)
	counts := func() string {
		t.Helper()
		var out []string
		for _, sql := range []string{
			"SELECT count(), uniqExact(person_key), uniqExact(person_name) FROM sessions",
			"SELECT count(), uniqExact(person_key) FROM grants",
			"SELECT count(), uniqExact(person_key) FROM assumptions",
			"SELECT rule, count(), uniqExact(person_key) FROM findings GROUP BY rule ORDER BY rule",
			"SELECT count() FROM findings_history",
			"SELECT session, calls FROM activity_counts ORDER BY session",
			"SELECT count(), uniqExact(person_key) FROM session_activity",
			"SELECT count() FROM triage_history",
			"SELECT count() FROM dead_letters",
			"SELECT count() FROM who_had_access(at = '2026-04-01 00:30:00')",
		} {
			out = append(out, sql+": "+ask(t, db, sql))
		}
		return strings.Join(out, "\n")
	}
	before := counts()
	parameters := clickhouse.Parameters{"person": "okta:example/00u1ada", "salt": "of the test", "names": "[]", "token": ""}
	statements := example(t, "erase_person.sql")
	token := askWith(t, db, inDatabase(db, statements[0]), parameters)
	if !regexp.MustCompile(`^erased-[0-9a-f]{16}$`).MatchString(token) {
		t.Fatalf("the token is %q", token)
	}
	names := askWith(t, db, inDatabase(db, statements[1]), parameters)
	if names != "[ada.lovelace@example.com ada@example.com Ada Lovelace 00u1ada]" {
		t.Fatalf("the names are %s", names)
	}
	parameters["token"], parameters["names"] = token, "['ada.lovelace@example.com', 'ada@example.com', 'Ada Lovelace', '00u1ada']"
	if left := traces(t, db, "ada", "203.0.113.9"); len(left) < 10 {
		t.Fatalf("the test has her in %v only", left)
	}
	for range 2 { // again, as after a late version
		runExample(t, db, "erase_person.sql", parameters)
		if left := traces(t, db, "ada", "203.0.113.9"); len(left) > 0 {
			t.Errorf("she is still in %s", strings.Join(left, ", "))
		}
		if after := counts(); after != before {
			t.Errorf("the counts were\n%s\nand are\n%s", before, after)
		}
	}
	if got := ask(t, db, "SELECT groupUniqArray(person_key) FROM sessions WHERE person_key LIKE 'erased-%'"); got != "["+token+"]" {
		t.Errorf("the sessions have %s", got)
	}
	// Everybody else is as before.
	if got := ask(t, db, "SELECT person_key, person_name, session_name, sign_on_ip FROM sessions WHERE person_name LIKE 'bob%'"); got != "okta:example/00u2bob bob@example.com bob@example.com 203.0.113.8" {
		t.Errorf("bob's session has %s", got)
	}
	if got := ask(t, db, "SELECT requests.approvers FROM grants WHERE person_name LIKE 'bob%'"); got != "[["+token+" eve@example.com]]" {
		t.Errorf("bob's grant was approved by %s", got)
	}
	if got := ask(t, db, "SELECT groupArray(id) FROM raw_events"); got != "[bob]" {
		t.Errorf("raw events of %s are left", got)
	}
	// What is kept as it was published can still be read.
	sessions, err := db.Sessions(deadline(t))
	if err != nil || len(sessions) != 3 {
		t.Fatal(len(sessions), err)
	}
	if i := slices.IndexFunc(sessions, func(s schemas.Session) bool { return s.ID == "fine" }); sessions[i].Person.Name != token {
		t.Errorf("the session with a fine time is %s's", sessions[i].Person.Name)
	}
}

// everythingOf writes records of every kind in which a person is named.
func everythingOf(t *testing.T, db *DB) {
	t.Helper()
	at := day
	for i, p := range []schemas.Person{
		{Key: "okta:example/00u1ada", Name: "ada@example.com", Org: "example"},
		{Key: "okta:example/00u2bob", Name: "bob@example.com", Org: "example"},
	} {
		who, _, _ := strings.Cut(p.Name, "@")
		ip := fmt.Sprint("203.0.113.", 9-i)
		requests := []schemas.RequestRef{{ID: "r", Requester: p.Name, Approvers: []string{"ada@example.com", "eve@example.com"}, Subject: "for " + p.Name, Justification: "asked by ada@example.com"}}
		write(t, db, topics.Sessions, session(who, 1, func(s *schemas.Session) {
			s.Person, s.SessionName, s.Requests = p, p.Name, requests
			s.SignOn = &schemas.SignOnRef{EventID: "e", IP: ip}
			s.Chained = []schemas.ChainedRole{{EventID: "c", At: at, PrincipalID: "AROA:" + p.Name}}
		}))
		write(t, db, topics.Grants, encode(t, &schemas.Grant{
			ID: who, Person: p, Opened: at, Requests: requests, Source: schemas.ByMembership,
			GrantedBy: &schemas.Actor{ID: "00u1ada", AlternateID: "ada@example.com", Name: "Ada Lovelace"}, RemovedBy: &schemas.Actor{ID: "00u1ada"},
		}))
		write(t, db, topics.Assumptions, encode(t, &schemas.Assumption{ID: who, Person: p, At: at, SessionName: p.Name, IP: ip, UserAgent: "of " + who}))
		write(t, db, topics.Findings, finding(who, 1, schemas.Open, func(f *schemas.Finding) {
			f.Person, f.Why = p, p.Name+" had no second factor, says ada@example.com."
		}))
		write(t, db, topics.Triage, encode(t, &schemas.Triage{ID: who, Finding: who, Owner: "ada@example.com", Reason: "ada@example.com said so", By: p.Name, At: at}))
		key := "key_" + fmt.Sprint(i)
		u := use(key, who, at, 1)
		u.Person, u.PrincipalID = p, "AROA:"+p.Name
		write(t, db, topics.Uses, encode(t, &u))
		write(t, db, topics.Activity, call("call-"+fmt.Sprint(i), key, at, 1, func(c *schemas.Call) { c.PrincipalID = "AROA:" + p.Name }))
		l := letter(schemas.Okta, "raw.okta/0", int64(i), "no JSON of "+p.Name, "{"+p.Name)
		write(t, db, topics.DeadLetters, encode(t, &l))
		writeRaw(t, db, rawRecord(schemas.Okta, "okta/example", schemas.RawEvent, who, at.Format(time.RFC3339), `{"user":"`+p.Name+`"}`))
	}
	// A time that no column holds, so that the row has the record's JSON; and another name.
	write(t, db, topics.Sessions, session("fine", 1, func(s *schemas.Session) {
		s.Person, s.SessionName = schemas.Person{Key: "okta:example/00u1ada", Name: "ada@example.com", Org: "example"}, "ada.lovelace@example.com"
		s.Start = s.Start.Add(time.Microsecond)
	}))
}

// traces are the columns of tables in which one of some texts is.
func traces(t *testing.T, db *DB, texts ...string) (out []string) {
	t.Helper()
	columns := ask(t, db, "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND table LIKE '%\\_log' AND type LIKE '%String%' ORDER BY table, name")
	for line := range strings.SplitSeq(columns, "\n") {
		table, column, _ := strings.Cut(line, " ")
		if column == "id" || column == "event_id" || column == "finding" || column == "session" {
			continue // of the test, which names them after whom they are about
		}
		if count(t, db, "SELECT countIf(multiSearchAnyCaseInsensitive(toString("+quote(column)+"), ["+literals(texts)+"])) FROM "+table) > 0 {
			out = append(out, table+"."+column)
		}
	}
	return out
}

func askWith(t *testing.T, db *DB, sql string, parameters clickhouse.Parameters) string {
	t.Helper()
	return askIn(clickhouse.Context(deadline(t), clickhouse.WithParameters(parameters)), t, db, sql)
}

// peek reads what a request has in its body, if it is short, and leaves it there.
func peek(r *http.Request) (string, error) {
	b, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(b))
	return string(b[:min(len(b), 10_000)]), err
}
