package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/stream"
	"jitaudit/internal/broker"
	"jitaudit/internal/chdb"
	"jitaudit/internal/chdb/chdbtest"
	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/internal/pipeline"
	"jitaudit/internal/reference"
	"jitaudit/internal/simulated/aws"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas/topics"
	"jitaudit/sinks/clickhouse"
)

// world is simulated sources, a broker and a ClickHouse, for processes of the
// program to be killed between.
type world struct {
	t       *testing.T
	program string
	dir     string
	history *organisation.History
	broker  *broker.Broker
	okta    *httptest.Server
	aws     *httptest.Server
	db      clickhouse.Config
	want    *reference.Tables
}

const (
	killSecret = "SECRET"
	killKey    = "AKIAKILL000000000000"
)

func newWorld(t *testing.T) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("it starts and kills processes for a while")
	}
	w := &world{t: t, dir: t.TempDir()}
	w.program = filepath.Join(w.dir, "jitaudit")
	if out, err := exec.Command("go", "build", "-o", w.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	var err error
	if w.history, err = organisation.Generate(organisation.Config{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	w.history.Approvals, w.history.Listings = nil, nil // which the simulated sources do not have
	to := w.history.Truth.Complete.To
	org, err := okta.New(okta.Config{
		Org: reference.Org, Events: w.history.Okta, Token: killSecret, Raised: true, Retention: -1,
		Clock: func() time.Time { return to.Add(5 * time.Minute) },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.okta = httptest.NewServer(org)
	t.Cleanup(w.okta.Close)
	var roles []aws.Role
	for _, account := range w.accounts() {
		roles = append(roles, aws.Role{ARN: "arn:aws:iam::" + account + ":role/collector"})
	}
	w.aws = httptest.NewServer(aws.New(aws.Config{
		Events: w.history.CloudTrail, Roles: roles, RequestsPerSecond: 1e4,
		Principals: map[string]aws.Principal{killKey: {Secret: killSecret, Account: "999999999999"}},
		Clock:      func() time.Time { return to.Add(20 * time.Minute) },
	}))
	t.Cleanup(w.aws.Close)
	if w.want, err = reference.Scan(t.Context(), w.history, reference.Shards(w.history)); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) startServers() {
	w.t.Helper()
	var err error
	if w.broker, err = broker.Start(broker.Config{Logger: slog.New(slog.DiscardHandler), MinSession: time.Second}); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := w.broker.Close(); err != nil {
			w.t.Error(err)
		}
	})
	lib, err := chdbtest.Library()
	if err != nil {
		w.t.Skip(err)
	}
	s, err := chdb.Start(context.Background(), chdb.Config{Path: filepath.Join(w.dir, "clickhouse"), Library: lib, Command: []string{w.program, chdb.Verb}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			w.t.Error(err)
		}
	})
	w.db = clickhouse.Config{URL: "http://" + s.Addr(), User: chdb.User, Password: s.Token()}
}

func (w *world) accounts() (out []string) {
	for _, s := range reference.Shards(w.history) {
		if parts := strings.Split(s, "/"); parts[0] == "aws" && !slices.Contains(out, parts[1]) {
			out = append(out, parts[1])
		}
	}
	return out
}

// round is one run of the pipeline, with topics and tables of its own.
type round struct {
	*world
	t            *testing.T
	name, config string
	health       string
	engine       string // where the embedded one listens
}

// newRound writes the configuration; without servers it is one for run, which
// brings its own.
func (w *world) newRound(t *testing.T, name string, servers bool) *round {
	t.Helper()
	r := &round{world: w, t: t, name: name, health: free(t), engine: free(t)}
	dir := filepath.Join(w.dir, name)
	r.config = filepath.Join(dir, "jitaudit.yaml")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for path, content := range map[string]string{r.config: r.yaml(dir, servers), filepath.Join(dir, "policy.yaml"): string(w.history.Policy)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// embedded is where the ClickHouse of a run is.
func (r *round) embedded() clickhouse.Config {
	r.t.Helper()
	var token []byte
	for deadline := time.Now().Add(time.Minute); len(token) == 0; time.Sleep(100 * time.Millisecond) {
		token, _ = os.ReadFile(filepath.Join(r.dir, r.name, "data", pipeline.TokenFile))
		if time.Now().After(deadline) {
			r.t.Fatal("the embedded ClickHouse has no password after a minute")
		}
	}
	return clickhouse.Config{URL: "http://" + r.engine, User: chdb.User, Password: strings.TrimSpace(string(token))}
}

func (r *round) yaml(dir string, servers bool) string {
	var b strings.Builder
	from := r.history.Truth.Complete.From.Format(time.RFC3339)
	fmt.Fprintf(&b, "data_dir: %s\npolicy: [policy.yaml]\nwait_for_servers: forever\n", filepath.Join(dir, "data"))
	if servers {
		fmt.Fprintf(&b, "kafka: {brokers: [%q], prefix: %q, replication: 1}\n", r.broker.Addr(), r.name+".")
		fmt.Fprintf(&b, "clickhouse: {url: %q, database: %s, user: %s, password: \"${PASSWORD}\"}\n", r.db.URL, r.name, r.db.User)
	} else {
		fmt.Fprintf(&b, "kafka: {embedded: {addr: %q}}\nclickhouse: {database: %s, embedded: {addr: %q}}\n", free(r.t), r.name, r.engine)
	}
	fmt.Fprintf(&b, "okta:\n- {org: %s, url: %q, token: \"${SECRET}\", since: %s, poll_interval: 1s, holes: [", reference.Org, r.okta.URL, from)
	for _, g := range r.history.Truth.Gaps {
		fmt.Fprintf(&b, "{from: %s, to: %s, reason: planted}", g.From.Format(time.RFC3339), g.To.Format(time.RFC3339))
	}
	fmt.Fprintf(&b, "]}\naws:\n  endpoint: %q\n  access_key_id: %s\n  secret_access_key: \"${SECRET}\"\n", r.aws.URL, killKey)
	fmt.Fprintf(&b, "  since: %s\n  poll_interval: 1s\n  window: 1d\n  requests_per_second: 100\n  accounts:\n", from)
	for _, account := range r.accounts() {
		fmt.Fprintf(&b, "  - {account: %q, role_arn: \"arn:aws:iam::%s:role/collector\", regions: [%s]}\n", account, account, strings.Join(r.regions(account), ", "))
	}
	fmt.Fprintf(&b, "correlate: {tick: 200ms}\nsinks: {clickhouse: {batch_interval: 200ms}}\nhttp: {addr: %q}\n", r.health)
	return b.String()
}

func (w *world) regions(account string) (out []string) {
	for _, s := range reference.Shards(w.history) {
		if parts := strings.Split(s, "/"); parts[0] == "aws" && parts[1] == account {
			out = append(out, parts[2])
		}
	}
	return out
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// process keeps a role running, and kills it now and then.
type process struct {
	r    *round
	args []string
	// config is the round's, with a port for health of the process's own.
	config, health string
	cmd            *exec.Cmd
	out            *bytes.Buffer
	// kills is how often it was killed.
	kills int
}

func (r *round) process(args ...string) *process {
	p := &process{r: r, args: args, config: r.config, health: r.health}
	if args[0] != "run" {
		p.config, p.health = r.own(args[0])
	}
	r.t.Cleanup(func() {
		if p.cmd.ProcessState == nil { // the test failed before it was stopped
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	p.start()
	return p
}

func (p *process) start() {
	p.r.t.Helper()
	p.cmd = exec.Command(p.r.program, append(slices.Clone(p.args), "--config", p.config)...)
	p.cmd.Env = append(os.Environ(), "SECRET="+killSecret, "PASSWORD="+p.r.db.Password)
	p.out = &bytes.Buffer{}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		p.r.t.Fatal(err)
	}
}

// own writes the round's configuration with a port for health of its own.
func (r *round) own(role string) (path, addr string) {
	r.t.Helper()
	data, err := os.ReadFile(r.config)
	if err != nil {
		r.t.Fatal(err)
	}
	addr = free(r.t)
	path = filepath.Join(filepath.Dir(r.config), role+strings.ReplaceAll(addr, ":", "-")+".yaml")
	if err := os.WriteFile(path, bytes.ReplaceAll(data, []byte(r.health), []byte(addr)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path, addr
}

// kill ends it at once; the kernel gives it no chance to do anything more.
func (p *process) kill() {
	p.r.t.Helper()
	_ = p.cmd.Process.Kill() // if it has ended, that shows in how
	err := p.cmd.Wait()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		p.r.t.Fatalf("%s had ended by itself: %v\n%s", p.args, err, p.out)
	}
	p.kills++
}

// stop asks it to end, and sees that it does in time.
func (p *process) stop() {
	p.r.t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.r.t.Errorf("%s had ended by itself: %v\n%s", p.args, err, p.out)
		return
	}
	if err := p.cmd.Wait(); err != nil {
		p.r.t.Errorf("%s: %v\n%s", p.args, err, p.out)
	}
	if took := time.Since(began); took > 10*time.Second {
		p.r.t.Errorf("%s took %s to stop", p.args, took)
	}
}

// disturb kills one process after another at random moments.
func (r *round) disturb(rnd *rand.Rand, kills int, all ...*process) {
	for range kills {
		time.Sleep(time.Duration(rnd.IntN(900)) * time.Millisecond)
		p := all[rnd.IntN(len(all))]
		p.kill()
		time.Sleep(time.Duration(rnd.IntN(200)) * time.Millisecond)
		p.start()
	}
}

// await waits until the tables take everything into account and stand still.
func (r *round) await(cfg clickhouse.Config, all ...*process) {
	r.t.Helper()
	cfg.Database = r.name
	db, err := clickhouse.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	defer db.Close()
	var diff string
	for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(250 * time.Millisecond) {
		if diff = r.differs(db); diff == "" {
			return
		}
	}
	for _, p := range all {
		ready, err := exec.Command(r.program, "health", "--ready", "--addr", p.health).CombinedOutput()
		r.t.Logf("%s (killed %d times): %s %v\n%.3000s", p.args, p.kills, ready, err, p.out)
	}
	r.inspect(db)
	r.t.Fatalf("%s: after 90 s the tables differ from an undisturbed run:\n%.4000s", r.name, diff)
}

// inspect tells how far each stage is.
func (r *round) inspect(db *clickhouse.DB) {
	covered, err := db.Covered(context.Background())
	r.t.Logf("covered: %+v %v", covered, err)
	client, err := kafka.New(kafka.Config{Brokers: []string{r.broker.Addr()}, Prefix: r.name + "."}, slog.New(slog.DiscardHandler))
	if err != nil {
		r.t.Fatal(err)
	}
	groups := pipeline.SinkGroups()
	groups[stream.ResolveGroup], groups[stream.RebuildGroup] = []string{topics.RawOkta, topics.RawCloudTrail}, []string{topics.Facts}
	for group, read := range groups {
		lag, err := client.Lag(context.Background(), r.name+"."+group, read...)
		r.t.Logf("lag of %s: %v %v", group, lag, err)
	}
	for _, topic := range []string{topics.RawOkta, topics.RawCloudTrail, topics.Facts} {
		for n := range 4 {
			kinds := map[string]int{}
			err := client.ReadAll(context.Background(), topic, n, func(m kafka.Message) error {
				if topic == topics.Facts {
					var e map[string]json.RawMessage
					if err := json.Unmarshal(m.Value, &e); err != nil {
						return err
					}
					for k := range e {
						kinds[k]++
					}
					return nil
				}
				kinds[m.Header("kind")]++
				return nil
			})
			r.t.Logf("%s/%d: %v %v", topic, n, kinds, err)
		}
	}
}

// differs says how the tables differ from what they must hold.
func (r *round) differs(db *clickhouse.DB) string {
	ctx := r.t.Context()
	covered, err := db.Coverage(ctx)
	if err != nil {
		return err.Error()
	}
	done := 0
	for _, c := range covered {
		if c.To.Equal(r.history.Truth.Complete.To) {
			done++
		}
	}
	if shards := len(reference.Shards(r.history)); done < shards {
		return fmt.Sprintf("%d of %d shards are covered", done, shards)
	}
	got, err := reference.Read(ctx, db)
	if err != nil {
		return err.Error()
	}
	return cmp.Diff(r.want, got)
}

// TestKilledRolesLeaveTheTablesOfAnUndisturbedRun kills roles with SIGKILL at
// random moments. JITAUDIT_TEST_ROUNDS says how often; 2 by default.
func TestKilledRolesLeaveTheTablesOfAnUndisturbedRun(t *testing.T) {
	t.Parallel() // it mostly waits
	w := newWorld(t)
	w.startServers()
	for n := range rounds(t) {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(uint64(n), 3))
			r := w.newRound(t, "r"+strconv.Itoa(n), true)
			all := []*process{r.process("collect"), r.process("correlate"), r.process("sink", "clickhouse"), r.process("correlate")}
			r.disturb(rnd, 6, all...)
			r.await(w.db, all...)
			for _, p := range all {
				p.stop()
			}
		})
	}
}

// TestAKilledRunLosesNothing kills the process that is everything, with the
// embedded broker and the parent of the embedded ClickHouse in it.
func TestAKilledRunLosesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := chdbtest.Library(); err != nil {
		t.Skip(err)
	}
	for n := range rounds(t) {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			rnd := rand.New(rand.NewPCG(uint64(n), 4))
			r := w.newRound(t, "r"+strconv.Itoa(n), false)
			p := r.process("run")
			r.disturb(rnd, 3, p)
			r.await(r.embedded(), p)
			p.stop()
		})
	}
}

func rounds(t *testing.T) int {
	s := os.Getenv("JITAUDIT_TEST_ROUNDS")
	if s == "" {
		return 2
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
