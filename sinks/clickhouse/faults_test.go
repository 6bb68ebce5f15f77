package clickhouse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/internal/kafka"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
	"jitaudit/sinks"
)

// fault is what happens to a request on its way.
type fault string

const (
	none     fault = "none"
	down     fault = "the server is down"
	lost     fault = "it is done, and the answer is lost"
	cut      fault = "the connection breaks within"
	full     fault = "the disk is full"
	starting fault = "a proxy has nobody behind it"
)

// between stands between the sink and the server, speaks HTTP to both, and lets
// happen what next says.
type between struct {
	*httptest.Server
	target string
	client *http.Client

	mu    sync.Mutex
	next  func() fault
	seen  map[fault]int
	bytes int64 // of the largest request
}

func newBetween(t *testing.T, target string, next func() fault) *between {
	t.Helper()
	b := &between{target: target, client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, next: next, seen: map[fault]int{}}
	b.Server = httptest.NewUnstartedServer(b)
	b.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	b.Start()
	t.Cleanup(b.Close)
	return b
}

func (b *between) decide(size int) fault {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.next()
	b.seen[f]++
	b.bytes = max(b.bytes, int64(size))
	return f
}

func (b *between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	switch f := b.decide(len(body)); f {
	case down:
		panic(http.ErrAbortHandler)
	case starting:
		w.WriteHeader(http.StatusServiceUnavailable)
	case full:
		w.Header().Set("X-ClickHouse-Exception-Code", "243")
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, "Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space. (NOT_ENOUGH_SPACE)\n")
	case cut:
		b.forward(nil, r, io.MultiReader(bytes.NewReader(body[:len(body)/2]), broken{}), int64(len(body)))
		panic(http.ErrAbortHandler)
	case lost:
		b.forward(nil, r, bytes.NewReader(body), int64(len(body)))
		panic(http.ErrAbortHandler)
	default:
		b.forward(w, r, bytes.NewReader(body), int64(len(body)))
	}
}

// forward hands a request on and, if there is a w, its answer back.
func (b *between) forward(w http.ResponseWriter, r *http.Request, body io.Reader, size int64) {
	to, err := http.NewRequestWithContext(r.Context(), r.Method, b.target+r.URL.RequestURI(), body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	to.Header, to.ContentLength = r.Header.Clone(), size
	to.Header.Del("Connection")
	resp, err := b.client.Do(to)
	if err != nil {
		panic(http.ErrAbortHandler) // it is being restarted, or was to break
	}
	defer resp.Body.Close()
	if w == nil {
		_, _ = io.Copy(io.Discard, resp.Body) // done, or broken as it was to be
		return
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	if _, err := io.Copy(w, resp.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// broken is a body that ends before its time.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// through is a database as seen through what stands between.
func through(t *testing.T, db *DB, next func() fault) (*DB, *between) {
	t.Helper()
	b := newBetween(t, db.cfg.URL, next)
	cfg := db.cfg
	cfg.URL = b.URL
	return open(t, cfg), b
}

// quick is a loop that does not wait, and takes small batches.
func quick() sinks.Config {
	return sinks.Config{Name: "clickhouse", MaxRecords: 60, MaxWait: 5 * time.Millisecond, MinBackoff: time.Millisecond, MaxBackoff: 2 * time.Millisecond}
}

// feeding is a loop that runs until it is stopped, or ends by itself.
type feeding struct {
	cancel context.CancelFunc
	ended  chan error
}

func feed(t *testing.T, c *kafka.Client, sink sinks.Sink) *feeding {
	t.Helper()
	l, err := sinks.NewLoop(quick(), sink, sinks.KafkaDeadLetters{Writer: letterWriter(t, c)}, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	f := &feeding{cancel: cancel, ended: make(chan error, 1)}
	go func() { f.ended <- l.Run(ctx, c, groupOf()) }()
	t.Cleanup(cancel)
	return f
}

func (f *feeding) stop(t *testing.T) {
	t.Helper()
	f.cancel()
	if err := <-f.ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("ended with %v", err)
	}
}

// history is what is published of every kind, each record under its topic.
type history map[string][][]byte

func (h history) size() (n int64) {
	for _, values := range h {
		n += int64(len(values))
	}
	return n
}

// newHistory makes records with versions, corrections, deletions and copies.
func newHistory(t *testing.T, r *rand.Rand) history {
	t.Helper()
	h := history{}
	add := func(topic string, value []byte) { h[topic] = append(h[topic], value) }
	for i := range 40 {
		id, at := fmt.Sprint("id_", i), day.Add(time.Duration(r.IntN(40*24))*time.Hour)
		for v := int64(1); v <= 1+r.Int64N(4); v++ {
			version := v*100 + r.Int64N(50)
			meta := schemas.Meta{Version: version, Observed: day.Add(time.Duration(version) * time.Second), Deleted: r.IntN(8) == 0}
			name := fmt.Sprint("of version ", version)
			add(topics.Sessions, session(id, version, func(s *schemas.Session) { s.SessionName, s.Deleted = name, meta.Deleted }))
			add(topics.Findings, finding(id, version, schemas.Open, func(f *schemas.Finding) { f.Why, f.Deleted = name, meta.Deleted }))
			add(topics.Grants, encode(t, &schemas.Grant{ID: id, Opened: at, Group: name, Meta: meta}))
			add(topics.Assumptions, encode(t, &schemas.Assumption{ID: id, At: at, SessionName: name, Meta: meta}))
			u := use("key_"+id, id, at, version)
			u.AccessKeyID = name
			add(topics.Uses, encode(t, &u))
			add(topics.Coverage, encode(t, &schemas.Covered{ID: id, Partition: 0, Partitions: 1, Shard: name, Intervals: []schemas.Interval{}, Meta: meta}))
			add(topics.Activity, call("event_"+id, "key_"+id, at, uint64(version), func(c *schemas.Call) { c.Action = name }))
		}
		add(topics.Triage, encode(t, &schemas.Triage{ID: id, Finding: id, Status: schemas.TriageAccepted, At: at}))
		l := letter(schemas.Okta, "raw.okta/0", int64(i), "no JSON", "{")
		add(topics.DeadLetters, encode(t, &l))
	}
	return h
}

// shown is what each view says, but for when a letter was written.
func shown(t *testing.T, db *DB) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for view, columns := range map[string]string{
		"sessions": "*", "findings_all": "*", "findings_history": "*", "grants": "*", "assumptions": "*", "uses": "*", "activity": "*", "activity_counts": "*",
		"session_activity": "*", "coverage_partitions": "*", "triage_history": "*", "dead_letters": "* EXCEPT observed",
	} {
		out[view] = strings.Split(ask(t, db, "SELECT "+columns+" FROM "+view+" ORDER BY ALL"), "\n")
	}
	return out
}

func onePerID(t *testing.T, db *DB) {
	t.Helper()
	for view, id := range map[string]string{
		"sessions": "id", "findings_all": "id", "grants": "id", "assumptions": "id", "uses": "id", "activity": "event_id", "coverage_partitions": "id", "triage_history": "id",
		"findings_history": "(id, version)", "dead_letters": "(file, record)",
	} {
		if got := ask(t, db, "SELECT count() - uniqExact("+id+") FROM "+view); got != "0" {
			t.Errorf("view %s has %s rows too many", view, got)
		}
	}
}

// TestWhateverHappensTheContentIsThatOfACleanRun mixes all faults, a crash of the
// server and a column that somebody renames, at moments that a seed decides.
// JITAUDIT_TEST_SEEDS says how many seeds are tried.
func TestWhateverHappensTheContentIsThatOfACleanRun(t *testing.T) {
	seeds := 3
	if s := os.Getenv("JITAUDIT_TEST_SEEDS"); s != "" {
		var err error
		if seeds, err = strconv.Atoi(s); err != nil {
			t.Fatalf("JITAUDIT_TEST_SEEDS: %v", err)
		}
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { mixFaults(t, uint64(seed)) })
	}
}

func mixFaults(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	c, db, clean := kafkaClient(t), migrated(t), cleanDatabase(t)
	killable(t)
	h := newHistory(t, r)
	for topic, values := range h {
		write(t, clean, topic, values...)
		again := slices.Clone(values)
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		publish(t, c, topic, append(again, again[:len(again)/4]...)...)
	}
	total := h.size()
	for _, values := range h {
		total += int64(len(values) / 4)
	}
	kinds := []fault{down, lost, cut, full, starting}
	faults := rand.New(rand.NewPCG(seed, 2))
	sinkDB, b := through(t, db, func() fault {
		if faults.IntN(3) > 0 {
			return none
		}
		return kinds[faults.IntN(len(kinds))]
	})
	done := func() (n int64) {
		for topic := range h {
			n += committed(t, c, topic)
		}
		return n
	}
	f := feed(t, c, NewSink(sinkDB))
	steps := []func(){
		func() { shared.child.kill(); restart(t) },
		func() { f = renamedMeanwhile(t, c, db, sinkDB, f); total++ },
		func() { f.stop(t); f = feed(t, c, NewSink(sinkDB)) }, // we are restarted
	}
	r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	for i, step := range steps {
		eventually(t, "it gets on", func() bool { return done() >= total*int64(i)/5 })
		step()
	}
	eventually(t, "all offsets are committed", func() bool { return done() == total })
	f.stop(t)
	if diff := cmp.Diff(shown(t, clean), shown(t, db)); diff != "" {
		t.Errorf("seed %d: not the content of a clean run:\n%s", seed, diff)
	}
	onePerID(t, db)
	for _, k := range kinds {
		if b.seen[k] == 0 {
			t.Errorf("seed %d: it never came to it that %s", seed, k)
		}
	}
}

// renamedMeanwhile renames a column while the sink writes: it ends for good, and a
// start is refused until the column has its name again.
func renamedMeanwhile(t *testing.T, c *kafka.Client, db, sinkDB *DB, f *feeding) *feeding {
	t.Helper()
	ask(t, db, "ALTER TABLE sessions_log RENAME COLUMN session_name TO renamed")
	publish(t, c, topics.Sessions, session("id_0", 1, nil)) // so that there is something to write
	select {
	case err := <-f.ended:
		sentence(t, err, true, "sessions_log", "session_name", "jitaudit migrate")
	case <-deadline(t).Done():
		t.Fatal("it goes on with an altered table")
	}
	refuses(t, db, "column sessions_log.session_name is missing")
	ask(t, db, "ALTER TABLE sessions_log RENAME COLUMN renamed TO session_name")
	if err := db.Migrate(deadline(t)); err != nil {
		t.Fatal(err)
	}
	return feed(t, c, NewSink(sinkDB))
}

// cleanDatabase is a second one of the test, without faults.
func cleanDatabase(t *testing.T) *DB {
	t.Helper()
	cfg := config(t)
	cfg.Database += "_clean"
	db := open(t, cfg)
	t.Cleanup(func() {
		if err := db.exec(context.Background(), systemDatabase, "drop", "DROP DATABASE IF EXISTS "+quote(cfg.Database)); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(deadline(t)); err != nil {
		t.Fatal(err)
	}
	return db
}

// TestAServerThatIsDownForHoursCostsNothing but the time: as many attempts as the
// loop makes in so long, and never more in hand than two batches.
func TestAServerThatIsDownForHoursCostsNothing(t *testing.T) {
	const hours = 6
	attempts := int(hours * time.Hour / (30 * time.Second)) // the loop's MaxBackoff
	for _, why := range []fault{down, full, starting} {
		t.Run(string(why), func(t *testing.T) {
			c, db := kafkaClient(t), migrated(t)
			const n = 300
			var values [][]byte
			for i := range n {
				values = append(values, session(fmt.Sprint("ses_", i), int64(i), nil))
			}
			publish(t, c, topics.Sessions, values...)
			failed := 0
			sinkDB, _ := through(t, db, func() fault {
				if failed++; failed <= attempts {
					return why
				}
				return none
			})
			f := feed(t, c, NewSink(sinkDB))
			eventually(t, "all offsets are committed", func() bool { return committed(t, c, topics.Sessions) == n })
			f.stop(t)
			if failed <= attempts {
				t.Errorf("only %d attempts were made", failed)
			}
			if got := ask(t, db, "SELECT count(), uniqExact(id), sum(version) FROM sessions"); got != fmt.Sprint(n, " ", n, " ", n*(n-1)/2) {
				t.Errorf("the view has %s", got)
			}
		})
	}
}

// TestAnAnswerThatIsLostDoublesNothing: each insert is made, and made again.
func TestAnAnswerThatIsLostDoublesNothing(t *testing.T) {
	db := migrated(t)
	h := newHistory(t, rand.New(rand.NewPCG(1, 1)))
	r := rand.New(rand.NewPCG(1, 2))
	sinkDB, b := through(t, db, func() fault {
		if r.IntN(2) == 0 {
			return lost
		}
		return none
	})
	sink := NewSink(sinkDB)
	for topic, values := range h {
		batch := make([]sinks.Record, len(values))
		for i, v := range values {
			batch[i] = sinks.Record{Topic: topic, Value: v}
		}
		eventually(t, topic+" is written", func() bool {
			refused, err := sink.Write(deadline(t), batch)
			if sinks.IsPermanent(err) || len(refused) > 0 {
				t.Fatal(err, refused)
			}
			return err == nil
		})
	}
	if b.seen[lost] < 5 {
		t.Errorf("%d answers were lost", b.seen[lost])
	}
	clean := cleanDatabase(t)
	for topic, values := range h {
		write(t, clean, topic, values...)
	}
	if diff := cmp.Diff(shown(t, clean), shown(t, db)); diff != "" {
		t.Error(diff)
	}
	onePerID(t, db)
}
