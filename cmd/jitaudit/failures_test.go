package main

import (
	"encoding/json"
	"net"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/broker"
	"jitaudit/internal/chdb/library"
	"jitaudit/internal/kafka"
	"jitaudit/internal/reference"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// nowhere is an address that nothing listens on.
const nowhere = "127.0.0.1:1"

const (
	brokerGone = `Kafka broker 127\.0\.0\.1:1 cannot be reached \(connect: connection refused\): check that it runs and that the configured brokers are right`
	clickGone  = `ask for the version in database jitaudit of ClickHouse at http://127\.0\.0\.1:1: it cannot be reached \(dial tcp 127\.0\.0\.1:1: connect: connection refused\): check that it is up and that the url is right`
	givenUp    = ` \(given up after 600ms; wait_for_servers says how long to wait\)`
)

// TestWhatKeepsARoleFromStartingIsOneSentence has each way in which a start can
// fail for a reason outside the program.
func TestWhatKeepsARoleFromStartingIsOneSentence(t *testing.T) {
	tests := []struct {
		name string
		verb string
		set  func(*testing.T, *site)
		want string // after "Error: "
	}{
		{"no Kafka, collect", "collect", func(_ *testing.T, s *site) { s.sources(); s.elsewhere() }, `list the topics of Kafka: ` + brokerGone},
		{"no Kafka, correlate", "correlate", func(_ *testing.T, s *site) { s.elsewhere() }, `list the topics of Kafka: ` + brokerGone},
		{"no Kafka, sink", "sink clickhouse", func(_ *testing.T, s *site) { s.elsewhere() }, `list the topics of Kafka: ` + brokerGone},
		{"no Kafka after a while", "correlate", func(_ *testing.T, s *site) { s.elsewhere(); s.keys["wait_for_servers"] = "600ms" }, `list the topics of Kafka: ` + brokerGone + givenUp},
		{"a login that Kafka refuses", "correlate", func(_ *testing.T, s *site) {
			s.onBroker(broker.Config{Login: &broker.Login{Mechanism: "SCRAM-SHA-512", User: "jitaudit", Password: "another"}})
			s.keys["kafka"] = strings.TrimSuffix(s.keys["kafka"], "}") + ", sasl: {mechanism: scram-sha-512, user: jitaudit, password_file: token}}"
		}, `list the topics of Kafka: Kafka refuses the login: check sasl's user and password`},
		{"a topic with another cleanup.policy", "correlate", func(t *testing.T, s *site) {
			s.topic(t, kafkago.TopicConfig{Topic: "jitaudit.state", NumPartitions: 4}, "cleanup.policy", "delete")
		}, `topic jitaudit\.state has cleanup\.policy delete, want compact: set it with kafka-configs --alter --entity-type topics --entity-name jitaudit\.state --add-config cleanup\.policy=compact`},
		{"a topic with other partitions", "correlate", func(t *testing.T, s *site) {
			s.topic(t, kafkago.TopicConfig{Topic: "jitaudit.state", NumPartitions: 3}, "cleanup.policy", "compact")
		}, `topic jitaudit\.state has 3 partitions, want 4: configure partitions: 3, or a prefix under which new topics are made; a changed number would move keys`},
		{"no ClickHouse", "sink clickhouse", func(_ *testing.T, s *site) {
			s.onBroker(broker.Config{})
			s.keys["clickhouse"] = `{url: "http://` + nowhere + `"}`
		}, clickGone},
		{"no ClickHouse after a while", "sink clickhouse", func(_ *testing.T, s *site) {
			s.onBroker(broker.Config{})
			s.keys["clickhouse"], s.keys["wait_for_servers"] = `{url: "http://`+nowhere+`"}`, "600ms"
		}, clickGone + givenUp},
		{"a port that is taken", "run", func(t *testing.T, s *site) {
			s.sources()
			s.keys["http"] = `{addr: "` + taken(t) + `"}`
		}, `serve metrics and health: listen tcp 127\.0\.0\.1:\d+: bind: address already in use: stop what listens there, perhaps another jitaudit, or choose another http\.addr`},
		{"a port of the broker that is taken", "run", func(t *testing.T, s *site) {
			s.sources()
			s.keys["kafka"] = `{embedded: {addr: "` + taken(t) + `"}}`
		}, `start the embedded Kafka broker: open \S+ and listen on 127\.0\.0\.1:\d+: .*bind: address already in use: stop what listens there, perhaps another jitaudit, or choose another kafka\.embedded\.addr`},
		{"data that another process has", "run", func(t *testing.T, s *site) {
			s.sources()
			s.keys["kafka"] = `{embedded: {addr: "127.0.0.1:0"}}`
			b, err := broker.Start(broker.Config{Dir: filepath.Join(s.dir, "data", "kafka")})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { b.Close() })
		}, `start the embedded Kafka broker: data directory \S+/data/kafka is in use by process \d+: stop that, or configure another data_dir`},
		{"a libchdb that is not there", "run", func(_ *testing.T, s *site) {
			s.sources()
			s.keys["kafka"], s.keys["clickhouse"] = `{embedded: {addr: "127.0.0.1:0"}}`, "{embedded: {library: nowhere.so}}"
		}, `get the embedded ClickHouse \(clickhouse\.embedded\.library\): use the libchdb that .*nowhere\.so: there is no such file; .*`},
		{"a token that Okta refuses", "collect", func(_ *testing.T, s *site) {
			s.sources()
			s.onBroker(broker.Config{})
			s.keys["okta"] = strings.Replace(s.keys["okta"], "token_file: token", "token_file: revoked", 1)
			s.write("revoked", "00revoked")
			s.keys["aws"] = "{}"
		}, `collect the system log of Okta org example: ask http://\S+/api/v1/logs: access denied: Okta answered 401 E0000011, "Invalid token provided"; the API token is wrong, expired or revoked: make a new one \(with denied_source: wait the other sources go on\)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			tt.set(t, s)
			got := s.start(strings.Fields(tt.verb)...).fails(exitError)
			if !regexp.MustCompile(`^Error: ` + tt.want + `$`).MatchString(got) {
				t.Errorf("got\n%s\nwant\nError: %s", got, tt.want)
			}
		})
	}
}

// elsewhere names servers that are not there.
func (s *site) elsewhere() {
	s.keys["kafka"], s.keys["clickhouse"] = "{brokers: ["+nowhere+"]}", `{url: "http://`+nowhere+`"}`
}

// topic has one made by somebody else.
func (s *site) topic(t *testing.T, topic kafkago.TopicConfig, setting, value string) {
	t.Helper()
	s.onBroker(broker.Config{})
	topic.ReplicationFactor = 1
	topic.ConfigEntries = []kafkago.ConfigEntry{{ConfigName: setting, ConfigValue: value}, {ConfigName: "max.message.bytes", ConfigValue: "10000000"}}
	conn, err := kafkago.DialContext(t.Context(), "tcp", s.broker)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.CreateTopics(topic); err != nil {
		t.Fatal(err)
	}
}

// taken is an address that somebody listens on.
func taken(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestALibraryThatTheEnvironmentNamesButIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "libchdb.so")
	t.Setenv(library.Env, path)
	s := newSite(t)
	s.sources()
	s.keys["kafka"] = `{embedded: {addr: "127.0.0.1:0"}}`
	want := "Error: get the embedded ClickHouse: use the libchdb that CHDB_LIB_PATH names, " + path + ": there is no such file; correct or unset CHDB_LIB_PATH"
	if got := s.start("run").fails(exitError); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestAPolicyThatIsBrokenKeepsARoleFromStarting: nothing is made before.
func TestAPolicyThatIsBrokenKeepsARoleFromStarting(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.sources()
	s.write("policy.yaml", "acounts: {}\n")
	r := s.start("run")
	r.awaitEnd()
	want := filepath.Join(s.dir, "policy.yaml") + `:1: unknown key "acounts", did you mean "accounts"?
Error: no valid policy: ` + filepath.Join(s.dir, "policy.yaml") + `
Try: examples/policy.yaml, which shows and explains every key
`
	if r.code != exitUsage || r.stderr.String() != want {
		t.Errorf("exit code %d and\n%s\nwant %d and\n%s", r.code, r.stderr, exitUsage, want)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "data")); !os.IsNotExist(err) {
		t.Errorf("the data folder was made (%v)", err)
	}
}

// TestARefusedAccountEndsTheRun, and nothing is claimed of it.
func TestARefusedAccountEndsTheRun(t *testing.T) {
	t.Parallel()
	h, err := someHistory()
	if err != nil {
		t.Fatal(err)
	}
	var refused schemas.Coverage
	for _, shard := range reference.Shards(h) {
		if strings.HasPrefix(shard, "aws/") {
			refused.Shard = shard
		}
	}
	account := strings.Split(refused.Shard, "/")[1]
	s := newSite(t)
	s.sources(account)
	client := s.onBroker(broker.Config{})
	want := `^Error: read CloudTrail of account ` + account + ` in \S+: AWS refuses cloudtrail:LookupEvents with AccessDeniedException \(User: \S+ is not authorized to perform: cloudtrail:LookupEvents because no identity-based policy allows the cloudtrail:LookupEvents action\); ` +
		`allow cloudtrail:LookupEvents to the collector's principal in that account, in service control policies, too, then start again \(with denied_source: wait the other sources go on\)$`
	if got := s.start("collect").fails(exitError); !regexp.MustCompile(want).MatchString(got) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	log, err := kafkalog.New(client)
	if err != nil {
		t.Fatal(err)
	}
	if cp, err := log.Checkpoint(t.Context(), refused.Shard); err != nil || cp != nil {
		t.Errorf("%s has the checkpoint %s (%v), want none", refused.Shard, cp, err)
	}
	for p := range 4 {
		err := client.ReadAll(t.Context(), topics.RawCloudTrail, p, func(m kafka.Message) error {
			if string(m.Key) == refused.Shard && m.Header(schemas.HeaderKind) == string(schemas.RawCoverage) {
				t.Errorf("coverage is claimed of %s: %s", refused.Shard, m.Value)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestADatabaseThatIsNotForUs leaves what waits in Kafka where it is, and writes
// it once all is well.
func TestADatabaseThatIsNotForUs(t *testing.T) {
	tests := []struct {
		name string
		set  func(*testing.T, *site, string)
		want string
	}{
		{"a wrong password", func(_ *testing.T, s *site, _ string) { s.write("password", "another") },
			`ask for the version in database \w+ of ClickHouse at http://\S+: the server does not let user default in: check user and password`},
		{"a newer schema", func(t *testing.T, _ *site, database string) {
			ask(t, "INSERT INTO "+database+".schema_migrations (number, name, sha256) VALUES (99, '0099_later', 'abc')")
		}, `migrate database \w+ of ClickHouse at http://\S+: it is at migration 0099_later, this program ends at \d{4}: update jitaudit, or use another database`},
		{"an altered schema", func(t *testing.T, _ *site, database string) {
			ask(t, "ALTER TABLE "+database+".schema_migrations UPDATE sha256 = 'abc' WHERE number = 1 SETTINGS mutations_sync = 1")
		}, `migrate database \w+ of ClickHouse at http://\S+: its migration 0001_tables \(SHA-256 abc…\) is another one than ours, 0001_tables \(\w{12}…\): one of the two was edited after it was released; use the program that made the database, or another database`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			database := s.onClickHouse()
			client := s.onBroker(broker.Config{})
			r := s.start("sink", "clickhouse")
			r.says("msg=running")
			r.stop()

			tt.set(t, s, database)
			publishGrant(t, client)
			got := s.start("sink", "clickhouse").fails(exitError)
			if !regexp.MustCompile(`^Error: ` + tt.want + `$`).MatchString(got) {
				t.Errorf("got\n%s\nwant\nError: %s", got, tt.want)
			}
			committed, err := client.Committed(t.Context(), "jitaudit.sink-clickhouse", topics.Grants)
			if err != nil {
				t.Fatal(err)
			}
			for p, next := range committed {
				if next > 0 {
					t.Errorf("offset %d of partition %d is committed, and nothing was written", next, p)
				}
			}
		})
	}
}

func publishGrant(t *testing.T, client *kafka.Client) {
	t.Helper()
	w, err := client.Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	value, err := json.Marshal(schemas.Grant{ID: "grt_1", Evidence: []string{"1"}, Meta: schemas.Meta{Version: 1, Observed: time.Now().UTC()}})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), kafka.Message{Topic: topics.Grants, Key: []byte("grt_1"), Value: value}); err != nil {
		t.Fatal(err)
	}
}

// TestARoleWaitsForItsServers starts before them.
func TestARoleWaitsForItsServers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	database := s.onClickHouse()
	kafkaAddr, clickAddr, health := unused(t), unused(t), unused(t)
	server := regexp.MustCompile(`http://[^"]+`).FindString(s.keys["clickhouse"])
	s.keys["kafka"] = "{brokers: [" + kafkaAddr + "], replication: 1}"
	s.keys["clickhouse"] = strings.Replace(s.keys["clickhouse"], server, "http://"+clickAddr, 1)
	s.keys["wait_for_servers"], s.keys["http"] = "forever", `{addr: "`+health+`"}`
	r := s.start("sink", "clickhouse")
	r.says("Kafka broker " + kafkaAddr + " cannot be reached")
	ready(t, health, 1, `"still starting: list the topics of Kafka: Kafka broker `+kafkaAddr)

	b, err := broker.Start(broker.Config{Addr: kafkaAddr, MinSession: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	r.says("ClickHouse at http://" + clickAddr + ": it cannot be reached")
	ready(t, health, 1, `"still starting: ask for the version`)

	to, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	serveAt(t, clickAddr, httputil.NewSingleHostReverseProxy(to))
	r.says("msg=running")
	ready(t, health, 0, `{"status":"ok"}`)
	if n := strings.Count(r.stderr.String(), `msg="waiting for a server"`); n != 2 {
		t.Errorf("it says %d times that it waits, want once for each server:\n%s", n, r.stderr)
	}
	if got := strings.TrimSpace(ask(t, "SELECT count() FROM "+database+".grants")); got != "0" {
		t.Errorf("the new table holds %s grants", got)
	}
	r.stop()
}
