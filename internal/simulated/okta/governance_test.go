package okta_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"jitaudit/internal/simulated/okta"
)

func TestRequestsAreAsTheyHaveCome(t *testing.T) {
	later := time.Now().Add(time.Hour)
	w := newWorld(t, func(c *okta.Config) {
		c.Scopes = []string{"okta.accessRequests.request.read"}
		c.Requests = []okta.Request{
			{ID: "req1", Seen: later, JSON: []byte(`{"id":"req1","status":"APPROVED"}`)},
			{ID: "req1", JSON: []byte(`{"id":"req1","status":"PENDING"}`)},
			{ID: "req2", Seen: later, JSON: []byte(`{"id":"req2"}`)},
		}
	})
	get := func(path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "SSWS "+token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if resp.Header.Get("X-Rate-Limit-Remaining") == "" {
			t.Errorf("%s says nothing of its limit", path)
		}
		return resp.StatusCode, string(b)
	}
	for _, tt := range []struct {
		now    time.Time
		id     string
		status int
		body   string
	}{
		{later.Add(-time.Minute), "req1", 200, `{"id":"req1","status":"PENDING"}`},
		{later.Add(-time.Minute), "req2", 404, ""},
		{later, "req1", 200, `{"id":"req1","status":"APPROVED"}`},
		{later, "req2", 200, `{"id":"req2"}`},
		{later, "req3", 404, ""},
	} {
		w.now = tt.now
		if status, body := get("/governance/api/v2/requests/" + tt.id); status != tt.status || tt.body != "" && body != tt.body {
			t.Errorf("%s at %s: %d %s", tt.id, tt.now, status, body)
		}
	}
	if status, body := get("/governance/api/v2/requests?limit=1"); status != http.StatusOK {
		t.Errorf("the list: %d %s", status, body)
	}
}

func TestRequestsNeedTheirScope(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{"/governance/api/v2/requests", "/governance/api/v2/requests/req1"} {
		if status, _, _, body := w.get(t, path); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}
