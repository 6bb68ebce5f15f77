package pipeline

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/stream/entry"
	"jitaudit/internal/config"
	"jitaudit/internal/kafka"
	"jitaudit/internal/organisation"
	"jitaudit/internal/reference"
	"jitaudit/internal/signature"
	"jitaudit/internal/simulated/aws"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

const (
	feedToken  = "token-of-the-feed-of-the-tests"
	feedSecret = "secret-of-the-feed-of-the-tests"
	storeID    = "d-1234567890"
)

// request is a request for access that the log of the world names, and who asked.
func (w *world) request() (id, user string) {
	w.t.Helper()
	for i := range w.history.Okta {
		raw := w.history.Okta[i].AppendJSON(nil)
		if !bytes.Contains(raw, []byte(`"access.request.create"`)) {
			continue
		}
		var e struct {
			Actor        struct{ ID string }
			DebugContext struct {
				DebugData struct {
					ID string `json:"access_request_id"`
				}
			}
		}
		if err := json.Unmarshal(raw, &e); err != nil {
			w.t.Fatal(err)
		}
		return e.DebugContext.DebugData.ID, e.Actor.ID
	}
	w.t.Fatal("the log names no request for access")
	return "", ""
}

// fed is a small world that says all that neither log says.
func fed(t *testing.T) (w *world, request string) {
	t.Helper()
	w = newWorld(t, organisation.Config{Seed: 5, People: 15, Days: 1, Noise: -1, Planted: -1, CallsPerSession: 1})
	id, user := w.request()
	w.scopes = []string{"okta.logs.read", "okta.groups.read", "okta.users.read", "okta.accessRequests.request.read"}
	w.requests = []okta.Request{{ID: id, JSON: fmt.Appendf(nil, `{"id":%q,"status":"APPROVED","lastUpdated":%q,"accessDuration":"PT3H",
		"requestedBy":{"type":"OKTA_USER","externalId":%q},"requestedFor":{"type":"OKTA_USER","externalId":%q},
		"requestApproval":{"decisions":[{"deciderId":"00uapprover","deciderName":"Bob Example","decision":"APPROVE"}]}}`,
		id, w.history.Truth.Complete.To.Add(-time.Hour).Format(time.RFC3339), user, user)}}
	w.stores = []aws.Store{{ID: storeID, Account: w.accounts()[0], Region: "eu-central-1", Users: []aws.User{{ID: "a0b1c2d3-1", Name: "ada", Email: "ada@example.com"}}}}
	return w, id
}

// fedConfig lets a configuration read all of it; the topic of the other system is
// there.
func (w *world) fedConfig() *config.Config {
	w.t.Helper()
	c := w.onServers(w.config())
	c.Okta[0].Governance = true
	c.AWS.IdentityStore = []config.IdentityStore{{ID: storeID, Region: "eu-central-1", RoleARN: roleOf(w.accounts()[0]), Interval: time.Hour}}
	c.Approvals = config.Approvals{Addr: "127.0.0.1:0", MaxBody: 1 << 20, Feeds: []config.ApprovalFeed{
		{Feed: "tickets", Token: config.NewSecret(feedToken), Topic: "itsm.decisions"},
		{Feed: "chat", HMACSecret: config.NewSecret(feedSecret)},
	}}
	if err := w.theirs(c).Ensure(w.t.Context(), []topics.Topic{{Name: "decisions", Partitions: 2}}); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// theirs is a client of the other system.
func (w *world) theirs(c *config.Config) *kafka.Client {
	w.t.Helper()
	client, err := kafka.New(kafka.Config{Brokers: c.Kafka.Brokers, Prefix: "itsm.", Replication: 1}, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	return client
}

// approval is a record of a feed.
func (w *world) approval(id, grantee string) []byte {
	to := w.history.Truth.Complete.To
	return fmt.Appendf(nil, `{"id":%q,"request":"OPS-%s","grantee":%q,"approvers":["boss@example.com"],"decision":"approved","decided_at":%q,"resource":{"account":%q,"role":"Rescue"},"until":%q}`,
		id, id, grantee, to.Add(-2*time.Hour).Format(time.RFC3339), w.accounts()[0], to.Add(-time.Hour).Format(time.RFC3339))
}

func send(t *testing.T, url string, body []byte, header, value string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(header, value)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// facts are those of some kinds in the topic of facts, in a few words.
func (r *running) facts(partitions int, kinds ...schemas.FactKind) (out []string) {
	r.t.Helper()
	for p := range partitions {
		err := r.where.Kafka.ReadAll(r.t.Context(), topics.Facts, p, func(m kafka.Message) error {
			e, err := entry.Decode(m.Value)
			if err != nil {
				return err
			}
			f := e.Fact
			if f == nil || !slices.Contains(kinds, f.Kind) || f.Request != nil && f.Request.Origin == schemas.OriginGovernance {
				return nil
			}
			said := string(f.Kind) + " " + f.Shard + " " + f.Who.Login + f.Who.NameID + f.Who.OktaUserID
			if q := f.Request; q != nil {
				said += " " + string(q.Origin) + " " + q.ID + " " + string(q.Step) + " by "
				for _, a := range q.Approvers {
					said += a.AlternateID + a.ID
				}
			}
			out = append(out, said)
			return nil
		})
		if err != nil {
			r.t.Fatal(err)
		}
	}
	slices.Sort(out)
	return out
}

// TestWhatNeitherLogSaysArrives sends approvals each way, and lets Okta's governance
// and an Identity Store be asked.
func TestWhatNeitherLogSaysArrives(t *testing.T) {
	t.Parallel()
	w, id := fed(t)
	w.serve()
	c := w.fedConfig()
	r := start(t, w.options(c))
	_, user := w.request()

	login := w.login(user)
	records := map[string][]byte{}
	for _, name := range []string{"http", "signed", "topic"} {
		records[name] = w.approval(name, login)
	}
	at := "http://" + r.where.Approvals + "/approvals/"
	if status, body := send(t, at+"tickets", records["http"], "Authorization", "Bearer "+feedToken); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := send(t, at+"chat", records["signed"], signature.Header, signature.Sign([]byte(feedSecret), records["signed"], time.Now())); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := send(t, at+"chat", records["signed"], "Authorization", "Bearer "+feedToken); status != http.StatusUnauthorized {
		t.Errorf("the token of another feed: %d %s", status, body)
	}
	writer, err := w.theirs(c).Writer(kafka.WriterConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(t.Context(), kafka.Message{Topic: "decisions", Key: []byte("k"), Value: records["topic"]}); err != nil {
		t.Fatal(err)
	}

	want := []string{
		"requested approvals/chat " + login + " feed OPS-signed approved by boss@example.com",
		"requested approvals/tickets " + login + " feed OPS-http approved by boss@example.com",
		"requested approvals/tickets " + login + " feed OPS-topic approved by boss@example.com",
		"requested okta/example " + user + " okta_governance_api " + id + " approved by 00uapprover",
		"user_observed aws/" + w.accounts()[0] + "/eu-central-1 ada",
	}
	eventually(t, 20*time.Second, func() string {
		return cmp.Diff(want, r.facts(c.Kafka.Partitions, schemas.Requested, schemas.UserObserved))
	})

	// And they count: a role that no group gives is granted by approval.
	r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
	eventually(t, 10*time.Second, func() string {
		grants, err := r.db.Grants(t.Context())
		if err != nil {
			return err.Error()
		}
		n := 0
		for _, g := range grants {
			if g.Source == schemas.ByRequest && g.Role == "Rescue" {
				n++
			}
		}
		if n != len(records) {
			return fmt.Sprintf("%d grants by approval, want %d", n, len(records))
		}
		return ""
	})
	eventually(t, 10*time.Second, func() string {
		if status, body := r.get("/readyz"); status != http.StatusOK {
			return body
		}
		return ""
	})
	for _, s := range []string{feedToken, feedSecret} {
		if _, metrics := r.get("/metrics"); strings.Contains(r.log.String(), s) || strings.Contains(metrics, s) {
			t.Error("the log or /metrics shows a secret")
		}
	}
	for series, want := range map[string]float64{
		`jitaudit_collect_records_total{kind="event",shard="approvals/tickets"}`:   2,
		`jitaudit_collect_records_total{kind="event",shard="approvals/chat"}`:      1,
		`jitaudit_collect_requests_total{outcome="failed",shard="approvals/chat"}`: 1,
	} {
		if got := r.metric(series); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	r.stop()
}

// login is by what the log calls a user.
func (w *world) login(user string) string {
	w.t.Helper()
	for i := range w.history.Okta {
		var e struct {
			Actor struct{ ID, AlternateID string }
		}
		if err := json.Unmarshal(w.history.Okta[i].AppendJSON(nil), &e); err != nil {
			w.t.Fatal(err)
		}
		if e.Actor.ID == user {
			return e.Actor.AlternateID
		}
	}
	w.t.Fatalf("the log does not name %s", user)
	return ""
}

// TestGovernanceThatIsRefusedStopsNothing takes the scope away, where a refusal of
// any other source would end the run.
func TestGovernanceThatIsRefusedStopsNothing(t *testing.T) {
	t.Parallel()
	w, _ := fed(t)
	w.scopes = w.scopes[:3]
	w.serve()
	c := w.onServers(w.config())
	c.Okta[0].Governance = true
	o := w.options(c)
	o.deniedPause = 20 * time.Millisecond
	r := start(t, o)
	r.settled(reference.Shards(w.history), w.history.Truth.Complete.To)
	eventually(t, 10*time.Second, func() string {
		_, body := r.get("/readyz")
		if !strings.Contains(body, `"`+schemas.OktaShard(reference.Org)+"/governance: ") || !strings.Contains(body, "okta.accessRequests.request.read") {
			return body
		}
		return ""
	})
	eventually(t, 10*time.Second, func() string {
		if n := w.okta.Count("/governance/api/v2/requests/"+w.requests[0].ID) + w.okta.Count("/governance/api/v2/requests"); n < 3 {
			return fmt.Sprintf("it is asked for %d times", n)
		}
		return ""
	})
	if n := strings.Count(r.log.String(), "level=ERROR"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	r.stop()
}

// TestATopicThatIsNotThereIsARefusal ends the run, with the reason.
func TestATopicThatIsNotThereIsARefusal(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.serve()
	c := w.onServers(w.config())
	c.Approvals.Feeds = []config.ApprovalFeed{{Feed: "tickets", Topic: "itsm.decision"}}
	err := start(t, w.options(c)).wait()
	if err == nil || !strings.Contains(err.Error(), "read the approvals of tickets") || !strings.Contains(err.Error(), "make it, or correct its name") {
		t.Error(err)
	}
}

func TestACertificateThatIsNotThereIsSaidAtTheStart(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.serve()
	c := w.onServers(w.config())
	c.Approvals = config.Approvals{
		Addr: "127.0.0.1:0", TLS: config.ApprovalsTLS{CertFile: "nowhere.pem", KeyFile: "nowhere.key"}, MaxBody: 1 << 20,
		Feeds: []config.ApprovalFeed{{Feed: "tickets", Token: config.NewSecret(feedToken)}},
	}
	err := launch(t, w.options(c)).wait()
	if err == nil || !strings.Contains(err.Error(), "read the certificate (approvals.tls)") {
		t.Error(err)
	}
}
