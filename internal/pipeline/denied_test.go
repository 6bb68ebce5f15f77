package pipeline

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kafkalog "jitaudit/ingest/kafka"
	"jitaudit/internal/config"
	"jitaudit/internal/reference"
	"jitaudit/internal/simulated/okta"
	"jitaudit/schemas"
)

// TestADeniedAccountIsLeftBehind lets one account refuse: the others are judged
// to the end, and nothing is claimed of the one.
func TestADeniedAccountIsLeftBehind(t *testing.T) {
	t.Parallel()
	w := small(t)
	account := w.accounts()[1]
	w.denied = []string{account}
	w.serve()
	c := w.onServers(w.config())
	c.DeniedSource = config.DeniedWait
	r := start(t, w.options(c))
	denied := func(shard string) bool { return strings.HasPrefix(shard, schemas.AWSShard(account, "")) }
	all := reference.Shards(w.history)
	r.settled(slices.DeleteFunc(slices.Clone(all), denied), w.history.Truth.Complete.To)

	eventually(t, 10*time.Second, func() string {
		status, body := r.get("/readyz")
		if status != http.StatusServiceUnavailable {
			return body
		}
		for _, s := range all {
			named := strings.Contains(body, `"`+s+": read CloudTrail of account "+account)
			if named != denied(s) {
				return body
			}
		}
		return ""
	})
	for _, want := range []string{
		"level=ERROR", "AWS refuses cloudtrail:LookupEvents with AccessDenied", "allow cloudtrail:LookupEvents to the collector's principal", "again_in=5m0s",
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, r.log)
		}
	}
	r.untouched(slices.DeleteFunc(all, func(s string) bool { return !denied(s) })...)
	r.stop()
}

// untouched sees that nothing was claimed of shards, nor remembered.
func (r *running) untouched(shards ...string) {
	r.t.Helper()
	log, err := kafkalog.New(r.where.Kafka)
	if err != nil {
		r.t.Fatal(err)
	}
	covered, err := r.db.Coverage(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	if len(shards) == 0 {
		r.t.Fatal("no shard is looked at")
	}
	for _, s := range shards {
		if cp, err := log.Checkpoint(r.t.Context(), s); err != nil || cp != nil {
			r.t.Errorf("%s has the checkpoint %s (%v), want none", s, cp, err)
		}
		if slices.ContainsFunc(covered, func(c schemas.Coverage) bool { return c.Shard == s }) {
			r.t.Errorf("%s is said to be covered", s)
		}
	}
}

// TestADeniedOrgIsReadOnceItsTokenIsRight gives a wrong token, and then makes it
// the right one.
func TestADeniedOrgIsReadOnceItsTokenIsRight(t *testing.T) {
	t.Parallel()
	w := small(t)
	w.serve()
	other, err := okta.New(okta.Config{
		Org: reference.Org, Events: w.history.Okta, Token: "another", Raised: true, Retention: -1, Clock: w.clock.plus(oktaLateness),
	})
	if err != nil {
		t.Fatal(err)
	}
	var org atomic.Pointer[okta.Server]
	org.Store(other)
	w.oktaURL = w.listen(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { org.Load().ServeHTTP(rw, r) }))
	c := w.onServers(w.config())
	c.DeniedSource = config.DeniedWait
	c.Okta[0].Directory = everyGroup()
	o := w.options(c)
	o.deniedPause = 100 * time.Millisecond
	r := start(t, o)
	shard := schemas.OktaShard(reference.Org)
	all := reference.Shards(w.history)
	r.settled(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == shard }), w.history.Truth.Complete.To)
	eventually(t, 10*time.Second, func() string {
		_, body := r.get("/readyz")
		for _, of := range []string{shard, shard + "/directory"} {
			if !strings.Contains(body, `"`+of+": ") || !strings.Contains(body, "the API token is wrong, expired or revoked: make a new one") {
				return body
			}
		}
		return ""
	})
	if strings.Contains(r.log.String(), testToken) {
		t.Error("the log shows the token")
	}
	r.untouched(shard)

	org.Store(w.okta)
	r.settled(all, w.history.Truth.Complete.To)
	r.holdsListed(w)
	eventually(t, 10*time.Second, func() string {
		if status, body := r.get("/readyz"); status != http.StatusOK {
			return body
		}
		return ""
	})
	r.stop()
}
