package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jitaudit/correlate/stream"
	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/backtest"
	"jitaudit/internal/broker"
	"jitaudit/internal/chdb"
	"jitaudit/internal/explain"
	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/clickhouse"
)

// audited is a pipeline that has judged a made-up organisation to the end and
// runs on.
type audited struct {
	*site
	config   string
	database string
	kafka    *kafka.Client
	db       *clickhouse.DB
	answers  answers
}

func newAudited(t *testing.T) *audited {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the whole pipeline for a while")
	}
	a := &audited{site: newSite(t)}
	var err error
	if a.history, err = organisation.Generate(organisation.Config{Seed: 3}); err != nil {
		t.Fatal(err)
	}
	a.write("policy.yaml", string(a.history.Policy))
	a.sources()
	a.database = a.onClickHouse()
	a.kafka = a.onBroker(broker.Config{})
	server := shared.Server(t)
	if a.db, err = clickhouse.New(clickhouse.Config{
		URL: "http://" + server.Addr(), User: chdb.User, Password: server.Token(), Database: a.database,
	}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.db.Close() })
	r := a.start("run")
	a.config = filepath.Join(a.dir, "jitaudit.yaml")
	r.says("msg=running")
	log, err := kafkalog.New(a.kafka)
	if err != nil {
		t.Fatal(err)
	}
	if err := reference.Aside(t.Context(), log, a.history); err != nil {
		t.Fatal(err)
	}
	a.answers = answered(t, log, a.history)
	a.settled()
	return a
}

// settled waits until everything is judged and written.
func (a *audited) settled() {
	a.t.Helper()
	a.eventually(func() string {
		coverage, err := a.db.Coverage(a.t.Context())
		if err != nil {
			return err.Error()
		}
		done := map[string]bool{}
		for _, c := range coverage {
			done[c.Shard] = done[c.Shard] || !c.To.Before(a.history.Truth.Complete.To)
		}
		for _, s := range reference.Shards(a.history) {
			if !done[s] {
				return s + " is not covered to the end"
			}
		}
		groups := pipeline.SinkGroups()
		groups[stream.ResolveGroup], groups[stream.RebuildGroup] = topics.Raw(), []string{topics.Facts}
		for group, read := range groups {
			if n := a.lag(group, read...); n != 0 {
				return fmt.Sprintf("%s has %d records to read", group, n)
			}
		}
		return ""
	})
}

func (a *audited) lag(group string, names ...string) (n int64) {
	a.t.Helper()
	lag, err := a.kafka.Lag(a.t.Context(), "jitaudit."+group, names...)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, partitions := range lag {
		for _, behind := range partitions {
			n += behind
		}
	}
	return n
}

func (a *audited) eventually(holds func() string) {
	a.t.Helper()
	var why string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if why = holds(); why == "" {
			return
		}
	}
	a.t.Fatal("after a minute: ", why)
}

// sql asks the test's database.
func (a *audited) sql(format string, args ...any) string {
	a.t.Helper()
	return strings.TrimSpace(ask(a.t, strings.ReplaceAll(fmt.Sprintf(format, args...), "DB.", a.database+".")))
}

// lines are the rows that sql gives, each in its columns.
func (a *audited) lines(format string, args ...any) (rows [][]string) {
	a.t.Helper()
	for line := range strings.Lines(a.sql(format, args...)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

// does runs a verb on the pipeline.
func (a *audited) does(code int, args ...string) string {
	a.t.Helper()
	got, stdout, stderr := run(a.t, append(args, "--config", a.config)...)
	if got != code {
		a.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, stdout, stderr)
	}
	if code != exitFine {
		return stderr
	}
	return stdout
}

// contains looks for texts, wherever lines are broken.
func contains(t *testing.T, text string, wanted ...string) {
	t.Helper()
	plain := strings.Join(strings.Fields(text), " ")
	for _, want := range wanted {
		if !strings.Contains(text, want) && !strings.Contains(plain, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// TestExplainTriageAndBacktestOfAPipeline goes the way of an auditor: what was
// it, what do we say to it, what would another policy have said.
func TestExplainTriageAndBacktestOfAPipeline(t *testing.T) {
	t.Parallel()
	a := newAudited(t)
	finding := a.sql("SELECT id FROM DB.findings WHERE rule = 'outlived_grant' AND session != '' ORDER BY id LIMIT 1")
	session := a.sql("SELECT session FROM DB.findings WHERE id = '%s'", finding)
	who := a.sql("SELECT person_name FROM DB.sessions WHERE id = '%s'", session)
	verdict := a.sql("SELECT verdict, version FROM DB.sessions WHERE id = '%s'", session)

	t.Run("explain a session", func(t *testing.T) {
		contains(t, a.does(exitFine, "explain", session),
			who+" as ", "  who  ", "  account  ", "  role  ", "  how long  ", "  grant  ", "  approved by  ", "  second factor  ", "  calls  ",
			"  allowed         ", "outlived_grant: credentials outlived the grant", finding, "Where the logs are complete", "okta/example")
	})
	t.Run("explain a finding", func(t *testing.T) {
		text := a.does(exitFine, "explain", finding)
		contains(t, text, "outlived_grant: credentials outlived the grant (high, open)", "  expected  ", "  how sure  ", "  does not prove  ", "  evidence  ", ": called ", who)
		if strings.Contains(text, "triage  ") {
			t.Errorf("it is decided about already:\n%s", text)
		}
	})
	t.Run("explain as JSON", func(t *testing.T) {
		var e explain.Explanation
		if err := json.Unmarshal([]byte(a.does(exitFine, "explain", finding, "--format", "json")), &e); err != nil {
			t.Fatal(err)
		}
		if e.ID != finding || e.Findings[0].Finding.ID != finding || e.Session.ID != session || len(e.Timeline) == 0 || len(e.Coverage) == 0 {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("explain every kind of finding", func(t *testing.T) {
		for id := range strings.Lines(a.sql("SELECT min(id) FROM DB.findings GROUP BY rule")) {
			contains(t, a.does(exitFine, "explain", strings.TrimSpace(id)), "  expected  ", "  who  ", "  id              "+strings.TrimSpace(id))
		}
	})
	t.Run("triage", func(t *testing.T) {
		contains(t, a.does(exitFine, "triage", finding, "--status", "investigating", "--reason", "asked the team", "--by", "ada@example.com"), finding, "investigating by ada@example.com", "tri_")
		contains(t, a.does(exitFine, "triage", finding, "--status", "false_positive", "--reason", "test of the new runner", "--owner", "ops@example.com", "--by", "bob@example.com"), "false positive by bob@example.com")
		a.eventually(func() string {
			if n := a.sql("SELECT count() FROM DB.triage_history WHERE finding = '%s'", finding); n != "2" {
				return n + " decisions are written"
			}
			return ""
		})
		if got := a.sql("SELECT triage_status, triage_by, triage_owner FROM DB.findings WHERE id = '%s'", finding); got != "false_positive\tbob@example.com\tops@example.com" {
			t.Errorf("the view has %q", got)
		}
		contains(t, a.does(exitFine, "explain", finding), "investigating by ada@example.com: asked the team", "false positive by bob@example.com, owner ops@example.com: test of the new runner")
		if got := a.sql("SELECT verdict, version FROM DB.sessions WHERE id = '%s'", session); got != verdict {
			t.Errorf("the session's verdict was %s and is %s", verdict, got)
		}
	})
	t.Run("backtest", func(t *testing.T) { a.backtests(t) })
	t.Run("backtest of what APIs answered", func(t *testing.T) { a.backtestsAnswers(t) })
	t.Run("what is not there", func(t *testing.T) {
		contains(t, a.does(exitError, "explain", "ses_0000"), "Error: nothing is known of ses_0000: ")
		contains(t, a.does(exitError, "explain", "fnd_0000"), "Error: nothing is known of fnd_0000: ")
		contains(t, a.does(exitError, "triage", "fnd_0000", "--status", "fixed", "--reason", "x"), "Error: nothing is known of fnd_0000: ")
		contains(t, a.does(exitError, "backtest", "--policy", filepath.Join(a.dir, "policy.yaml"), "--since", "1h"), "Error: no raw events are kept from ")
	})
}

// backtests compares policies on what was collected.
func (a *audited) backtests(t *testing.T) {
	since := a.history.Truth.Complete.From.Format(time.DateOnly)
	a.write("same.yaml", string(a.history.Policy)+"\n# the same\n")
	text := a.does(exitFine, "backtest", "--policy", filepath.Join(a.dir, "same.yaml"), "--since", since)
	contains(t, text, "No difference.", a.sql("SELECT count() FROM DB.findings")+" findings; ")

	a.write("new.yaml", string(a.history.Policy)+"\nseverity: {long_session: info}\n")
	args := []string{"backtest", "--policy", filepath.Join(a.dir, "new.yaml"), "--since", since}
	contains(t, a.does(exitFine, args...), "Changed\n", "severity was medium")
	var r backtest.Report
	if err := json.Unmarshal([]byte(a.does(exitFine, append(args, "--format", "json")...)), &r); err != nil {
		t.Fatal(err)
	}
	if want := a.sql("SELECT count() FROM DB.findings WHERE rule = 'long_session'"); fmt.Sprint(len(r.Differences)) != want || want == "0" {
		t.Errorf("%d differences, there are %s findings of the rule", len(r.Differences), want)
	}
	for _, d := range r.Differences {
		if d.Change != backtest.Changed || d.New.Rule != "long_session" || d.New.Severity != schemas.Info {
			t.Errorf("got %+v", d)
		}
	}
	if got := a.sql("SELECT count() FROM DB.findings WHERE severity = 'info' AND rule = 'long_session'"); got != "0" {
		t.Errorf("%s findings were changed", got)
	}
}

// TestVerbsOfAPipelineThatIsAway: one sentence, with what to do.
func TestVerbsOfAPipelineThatIsAway(t *testing.T) {
	t.Parallel()
	t.Run("ClickHouse", func(t *testing.T) {
		s := newSite(t)
		s.keys["clickhouse"] = fmt.Sprintf("{url: \"http://%s\"}", unused(t))
		config := s.config()
		for _, args := range [][]string{
			{"explain", "ses_1"}, {"triage", "fnd_1", "--status", "fixed", "--reason", "x"}, {"backtest", "--policy", filepath.Join(s.dir, "policy.yaml")},
		} {
			code, _, stderr := run(t, append(args, "--config", config)...)
			if code != exitError || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%s: exit code %d: %s", args[0], code, stderr)
			}
			contains(t, stderr, "cannot be reached", "check that it is up and that the url is right")
		}
	})
	t.Run("the embedded ClickHouse", func(t *testing.T) {
		s := newSite(t)
		code, _, stderr := run(t, "explain", "ses_1", "--config", s.config())
		if code != exitError || strings.Count(stderr, "\n") != 1 {
			t.Errorf("exit code %d: %s", code, stderr)
		}
		contains(t, stderr, "start jitaudit run first")
	})
	t.Run("Kafka", func(t *testing.T) {
		s := newSite(t)
		database := s.onClickHouse()
		server := shared.Server(t)
		db, err := clickhouse.New(clickhouse.Config{URL: "http://" + server.Addr(), User: chdb.User, Password: server.Token(), Database: database}, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		ask(t, "INSERT INTO "+database+".findings_log (id, rule, status, version) VALUES ('fnd_1', 'no_mfa', 'open', 1)")
		s.keys["kafka"] = fmt.Sprintf("{brokers: [%q]}", unused(t))
		code, stdout, stderr := run(t, "triage", "fnd_1", "--status", "fixed", "--reason", "x", "--config", s.config())
		if code != exitError || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("exit code %d: %s%s", code, stdout, stderr)
		}
		contains(t, stderr, "topic "+topics.Triage, "cannot be reached")
	})
}
