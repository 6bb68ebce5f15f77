package directory_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"jitaudit/ingest"
	"jitaudit/ingest/okta/api"
	"jitaudit/ingest/okta/directory"
	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"

	decoder "jitaudit/ingest/okta"
)

func TestMain(m *testing.M) {
	// The SDK's token cache has a goroutine that ends when it is collected.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/patrickmn/go-cache.(*janitor).Run"))
}

// recorder is an ingest.Log in memory.
type recorder struct {
	mu       sync.Mutex
	messages []ingest.Message
	fail     func() error
}

func (r *recorder) Append(_ context.Context, shard string, messages []ingest.Message) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if shard != "okta/example" || len(messages) == 0 {
		return errors.New("wrong shard, or nothing to append")
	}
	if r.fail != nil {
		if err := r.fail(); err != nil {
			return err
		}
	}
	for _, m := range messages {
		m.Raw = bytes.Clone(m.Raw)
		r.messages = append(r.messages, m)
	}
	return nil
}

func (r *recorder) Checkpoint(context.Context, string) ([]byte, error) { return nil, nil }

func (r *recorder) SetCheckpoint(context.Context, string, []byte) error {
	return errors.New("a listing has no checkpoint")
}

// snapshots are the members by group, as the log tells of them. It fails where a
// snapshot does not stand right behind its members.
func (r *recorder) snapshots(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	pending := map[string][]string{}
	for _, m := range r.messages {
		switch m.Kind {
		case schemas.RawMember:
			f, err := decoder.DecodeMember(m.Raw)
			if err != nil {
				t.Fatal(err)
			}
			pending[f.Member.ID] = append(pending[f.Member.ID], f.Who.Login)
		case schemas.RawSnapshot:
			f, err := decoder.DecodeSnapshot(m.Raw)
			if err != nil {
				t.Fatal(err)
			}
			id := f.Snapshot.Group.ID
			if f.Snapshot.Members > len(pending[id]) {
				t.Errorf("snapshot of %s counts %d members, %d stand before it", id, f.Snapshot.Members, len(pending[id]))
			}
			all[id] = pending[id]
			delete(pending, id)
		default:
			t.Fatalf("message of kind %s", m.Kind)
		}
	}
	if len(pending) > 0 {
		t.Errorf("members without a snapshot: %v", slices.Collect(maps.Keys(pending)))
	}
	return all
}

// setup is a simulated org in the middle of its history.
func setup(t *testing.T, org func(*okta.Config)) (*okta.Server, directory.Config, time.Time) {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{People: 40, Days: 1, Noise: 40, Planted: -1, CallsPerSession: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := h.Okta[len(h.Okta)*2/3].Seen
	cfg := okta.Config{Org: "example", Events: h.Okta, Clock: func() time.Time { return now }, Token: "00token", Raised: true, PageLimit: 3}
	if org != nil {
		org(&cfg)
	}
	s, err := okta.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s, directory.Config{Org: "example", Auth: api.Auth{Token: "00token"}}, now
}

func listen(t *testing.T, h http.Handler, cfg directory.Config, log ingest.Log) *directory.Collector {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	cfg.URL = s.URL
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg.Transport = transport
	c, err := directory.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// truth asks the org itself, at once.
func truth(t *testing.T, s *okta.Server, match *regexp.Regexp) map[string][]string {
	t.Helper()
	ask := func(path string, v any) {
		for after, more := "", true; more; {
			r := httptest.NewRequest(http.MethodGet, path+after, nil)
			r.Header.Set("Authorization", "SSWS 00token")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
				t.Fatal(err)
			}
			more = false
			for _, l := range w.Header().Values("Link") {
				if strings.Contains(l, `rel="next"`) {
					_, query, _ := strings.Cut(strings.Trim(strings.Split(l, ";")[0], "<>"), "?")
					after, more = "?"+query, true
				}
			}
			if f, ok := v.(interface{ flush() }); ok {
				f.flush()
			}
		}
	}
	var groups collected
	ask("/api/v1/groups", &groups)
	all := map[string][]string{}
	for _, g := range groups.all {
		if !match.MatchString(g.Profile.Name) {
			continue
		}
		var users collected
		ask("/api/v1/groups/"+g.ID+"/users", &users)
		all[g.ID] = nil
		for _, u := range users.all {
			all[g.ID] = append(all[g.ID], u.Profile.Login)
		}
	}
	return all
}

type element struct {
	ID      string
	Profile struct{ Name, Login string }
}

// collected gathers the elements of several pages.
type collected struct{ page, all []element }

func (c *collected) UnmarshalJSON(b []byte) error { c.page = nil; return json.Unmarshal(b, &c.page) }
func (c *collected) flush()                       { c.all = append(c.all, c.page...) }

func TestMembersOfAllGroupsThatMatch(t *testing.T) {
	for name, patterns := range map[string][]string{"all": nil, "two patterns": {`^aws#`, `^aws_\(`}, "none": {`^gcp`}} {
		t.Run(name, func(t *testing.T) {
			s, cfg, now := setup(t, nil)
			match := regexp.MustCompile(strings.Join(patterns, "|"))
			for _, p := range patterns {
				cfg.Groups = append(cfg.Groups, regexp.MustCompile(p))
			}
			log := &recorder{}
			if err := listen(t, s, cfg, log).Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, want := log.snapshots(t), truth(t, s, match)
			if !maps.EqualFunc(got, want, slices.Equal[[]string]) || (len(want) == 0) != (name == "none") {
				t.Errorf("got %v\nwant %v", got, want)
			}
			for _, m := range log.messages {
				f, err := decoder.DecodeSnapshot(m.Raw)
				if m.Kind == schemas.RawSnapshot && (err != nil || !f.Snapshot.From.Equal(now.Truncate(time.Second)) || f.Snapshot.To.Sub(f.Snapshot.From) != time.Second) {
					t.Errorf("snapshot %+v, %v", f.Snapshot, err)
				}
			}
		})
	}
}

func TestUsersAreKeptByteForByte(t *testing.T) {
	user := `{ "id":"00u1",  "profile" : {"login":"a<&>\u2028@example.com"} , "z":1.0}`
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/api/v1/groups" {
			w.Write([]byte(`[{"id":"00g1","profile":{"name":"AWS-\"x\""}}]`))
			return
		}
		w.Write([]byte(" [ " + user + "\n] "))
	})
	log := &recorder{}
	if err := listen(t, h, directory.Config{Org: "example", Auth: api.Auth{Token: "t"}}, log).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	var m schemas.Member
	if err := json.Unmarshal(log.messages[0].Raw, &m); err != nil {
		t.Fatal(err)
	}
	if string(m.User) != user || m.Group != (schemas.Group{ID: "00g1", Name: `AWS-"x"`}) || m.At.IsZero() {
		t.Errorf("member %+v, user %s", m, m.User)
	}
}

func TestGroupThatIsDeletedMeanwhileIsLeftOut(t *testing.T) {
	s, cfg, _ := setup(t, nil)
	all := truth(t, s, regexp.MustCompile(""))
	gone := slices.Sorted(maps.Keys(all))[1]
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, gone) {
			r.URL.Path = "/api/v1/groups/00g1nobody/users"
		}
		s.ServeHTTP(w, r)
	})
	log := &recorder{}
	if err := listen(t, h, cfg, log).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := log.snapshots(t)
	if _, there := got[gone]; there || len(got) != len(all)-1 {
		t.Errorf("%d groups of %d", len(got), len(all))
	}
}

func TestDeniedAccessEndsRun(t *testing.T) {
	s, cfg, _ := setup(t, func(c *okta.Config) { c.Scopes = []string{"okta.logs.read"} })
	metrics := ingest.NewMetrics(prometheus.NewRegistry())
	cfg.Metrics = metrics
	err := listen(t, s, cfg, &recorder{}).Run(t.Context())
	if !errors.Is(err, api.ErrDenied) || !strings.Contains(err.Error(), "E0000006") || !strings.Contains(err.Error(), "Okta org example") {
		t.Errorf("got %v", err)
	}
	states := metrics.States()
	if _, touched := states["okta/example"]; touched || states["okta/example/directory"].Err == nil {
		t.Errorf("states %+v", states)
	}
}

// TestRunGoesOnWhereItFailed has failures of every kind on the way, in a bubble
// whose time passes when everybody waits.
func TestRunGoesOnWhereItFailed(t *testing.T) {
	s, cfg, _ := setup(t, nil)
	cfg.URL = "http://127.0.0.1"
	var dial func() (net.Conn, error)
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }}
	cfg.Transport = transport
	appends := 0
	log := &recorder{fail: func() error {
		if appends++; appends%7 == 0 && appends < 60 {
			return errors.New("the broker is away")
		}
		return nil
	}}
	c, err := directory.New(cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	want := truth(t, s, regexp.MustCompile(""))
	synctest.Test(t, func(t *testing.T) {
		conns := make(chan net.Conn)
		dial = func() (net.Conn, error) {
			ours, theirs := net.Pipe()
			conns <- theirs
			return ours, nil
		}
		l := &listener{conns: conns, closed: make(chan struct{})}
		server := &http.Server{Handler: s}
		go server.Serve(l)
		defer func() {
			transport.CloseIdleConnections()
			server.Close()
		}()
		for _, k := range []okta.FaultKind{okta.TimedOut, okta.Cut, okta.Closed} {
			s.Fail(1, okta.Fault{Kind: k})
			s.Fail(4, okta.Fault{Kind: okta.Delayed, After: time.Second})
		}
		s.Fail(2, okta.Fault{Kind: okta.Throttled, After: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Fatal(err)
		}
		log.fail = nil
	})
	if got := log.snapshots(t); !maps.EqualFunc(got, want, func(got, want []string) bool {
		slices.Sort(got)
		return slices.Equal(slices.Compact(got), slices.Sorted(slices.Values(want)))
	}) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	rounds := map[string]int{}
	for _, m := range log.messages {
		if m.Kind == schemas.RawSnapshot {
			f, _ := decoder.DecodeSnapshot(m.Raw)
			rounds[f.Snapshot.Group.ID]++
		}
	}
	for id, n := range rounds {
		if n != 2 {
			t.Errorf("group %s was listed %d times in 90 minutes, want 2", id, n)
		}
	}
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "pipe"} }
