package okta_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/okta"
)

const token = "00token-of-the-test"

// world is a simulated org with a clock that the test sets.
type world struct {
	*okta.Server
	url     string
	now     time.Time
	history *organisation.History
}

func newWorld(t *testing.T, change func(*okta.Config)) *world {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{People: 10, Days: 1, Noise: 60, Planted: -1, CallsPerSession: 1})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{history: h, now: h.Okta[len(h.Okta)-1].Seen.Add(time.Hour)}
	cfg := okta.Config{Org: "example", Events: h.Okta, Clock: func() time.Time { return w.now }, Token: token, Raised: true, Retention: -1}
	if change != nil {
		change(&cfg)
	}
	if w.Server, err = okta.New(cfg); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(w.Server)
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

// get asks and decodes an array.
func (w *world) get(t *testing.T, path string) (status int, header http.Header, elements []json.RawMessage, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(path, "http") {
		req, _ = http.NewRequestWithContext(t.Context(), http.MethodGet, w.url+path, nil)
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
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(b, &elements); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode, resp.Header, elements, string(b)
}

// next is the link to the next page.
func next(h http.Header) string {
	for _, l := range h.Values("Link") {
		if u, found := strings.CutSuffix(l, `>; rel="next"`); found {
			return strings.TrimPrefix(u, "<")
		}
	}
	return ""
}

func (w *world) raw(keep func(ev *organisation.Event) bool) (all []string) {
	for i := range w.history.Okta {
		if ev := &w.history.Okta[i]; keep(ev) {
			all = append(all, string(ev.AppendJSON(nil)))
		}
	}
	return all
}

func (w *world) follow(t *testing.T, path string) (all []string, pages int) {
	t.Helper()
	for path != "" {
		status, header, elements, body := w.get(t, path)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		pages++
		for _, e := range elements {
			all = append(all, string(e))
		}
		if path = next(header); len(elements) == 0 {
			return all, pages
		}
	}
	return all, pages
}

func TestPollingGoesByPersistenceAndNeverEnds(t *testing.T) {
	w := newWorld(t, nil)
	end := w.now
	w.now = w.history.Okta[40].Seen
	since := w.history.Okta[5].At
	path := "/api/v1/logs?sortOrder=ASCENDING&limit=7&since=" + since.Format(time.RFC3339Nano)
	status, header, elements, _ := w.get(t, path)
	if status != http.StatusOK || len(elements) != 7 || header.Get("Date") != w.now.UTC().Format(http.TimeFormat) {
		t.Fatalf("%d, %d events, date %s", status, len(elements), header.Get("Date"))
	}
	link := next(header)
	if !strings.HasPrefix(link, w.url+"/api/v1/logs?") || !strings.Contains(link, "limit=7") || strings.Contains(link, "since=") {
		t.Errorf("next is %s", link)
	}
	got, _ := w.follow(t, path)
	visible := func(until time.Time) []string {
		return w.raw(func(ev *organisation.Event) bool { return !ev.At.Before(since) && !ev.Seen.After(until) })
	}
	if want := visible(w.now); !slices.Equal(got, want) {
		t.Errorf("%d events, want %d", len(got), len(want))
	}
	// An empty page leads on, and the same cursor hands out what comes later.
	_, header, _, _ = w.get(t, link)
	for range 10 {
		_, h, elements, _ := w.get(t, next(header))
		header = h
		if len(elements) == 0 {
			break
		}
	}
	cursor := next(header)
	if cursor == "" {
		t.Fatal("an empty page without a next one")
	}
	w.now = end
	rest, _ := w.follow(t, cursor)
	if want := visible(end); !slices.Equal(append(got, rest...), want) {
		t.Errorf("%d events in all, want %d", len(got)+len(rest), len(want))
	}
}

func TestBoundedGoesByPublishedAndEnds(t *testing.T) {
	w := newWorld(t, nil)
	from, to := w.history.Okta[10].At, w.history.Okta[90].At
	want := w.raw(func(ev *organisation.Event) bool { return !ev.At.Before(from) && ev.At.Before(to) })
	for _, order := range []string{"", "DESCENDING"} {
		path := "/api/v1/logs?limit=9&since=" + from.Format(time.RFC3339Nano) + "&until=" + to.Format(time.RFC3339Nano) + "&sortOrder=" + order
		got, pages := w.follow(t, path)
		if pages != (len(want)+8)/9 {
			t.Errorf("%d pages for %d events; the last one must not lead on", pages, len(want))
		}
		if !slices.IsSortedFunc(got, func(a, b string) int {
			if order != "" {
				a, b = b, a
			}
			return strings.Compare(published(t, a), published(t, b))
		}) {
			t.Errorf("%q: not in the order of published", order)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %d events, want %d", order, len(got), len(want))
		}
	}
}

func published(t *testing.T, event string) string {
	t.Helper()
	var v struct{ Published string }
	if err := json.Unmarshal([]byte(event), &v); err != nil {
		t.Fatal(err)
	}
	return v.Published
}

func TestFilter(t *testing.T) {
	w := newWorld(t, nil)
	since := "&limit=1000&since=" + w.history.Okta[0].At.Add(-24*time.Hour).Format(time.RFC3339Nano)
	for filter, types := range map[string][]string{
		`eventType eq "user.authentication.sso"`:                                             {"user.authentication.sso"},
		`eventType eq "group.user_membership.add" or eventType eq "user.authentication.sso"`: {"group.user_membership.add", "user.authentication.sso"},
		`(eventType eq "group.user_membership.remove")`:                                      {"group.user_membership.remove"},
	} {
		_, _, got, _ := w.get(t, "/api/v1/logs?filter="+strings.NewReplacer(" ", "%20", `"`, "%22").Replace(filter)+since)
		want := w.raw(func(ev *organisation.Event) bool {
			return slices.ContainsFunc(types, func(name string) bool {
				return strings.Contains(string(ev.AppendJSON(nil)), `"eventType":"`+name+`"`)
			})
		})
		if len(got) == 0 || len(got) != len(want) {
			t.Errorf("%s: %d events, want %d", filter, len(got), len(want))
		}
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, nil)
	for _, tc := range []struct{ name, path, code string }{
		{"too large a page", "/api/v1/logs?limit=1001", "E0000001"},
		{"no number", "/api/v1/logs?limit=many", "E0000001"},
		{"no time", "/api/v1/logs?since=yesterday", "E0000001"},
		{"no order", "/api/v1/logs?sortOrder=UP", "E0000001"},
		{"a cursor nobody issued", "/api/v1/logs?after=1627500044869_1", "E0000001"},
		{"a cursor of another list", "/api/v1/logs?after=" + cursorOfUsers(t, w), "E0000001"},
		{"published", "/api/v1/logs?filter=published%20gt%20%222026%22", "E0000031"},
		{"unfinished filter", "/api/v1/logs?filter=eventType%20eq%20%22x", "E0000031"},
		{"unknown group", "/api/v1/groups/00g1nobody/users", "E0000007"},
	} {
		status, _, _, body := w.get(t, tc.path)
		if status/100 != 4 || !strings.Contains(body, `"errorCode":"`+tc.code+`"`) || !strings.Contains(body, `"errorCauses":[`) {
			t.Errorf("%s: %d %s", tc.name, status, body)
		}
	}
}

func cursorOfUsers(t *testing.T, w *world) string {
	t.Helper()
	_, header, _, _ := w.get(t, "/api/v1/users?limit=1")
	_, after, _ := strings.Cut(next(header), "after=")
	after, _, _ = strings.Cut(after, "&")
	if after == "" {
		t.Fatal("no second page of users")
	}
	return after
}

func TestLimitIsResetAfterAMinute(t *testing.T) {
	w := newWorld(t, func(c *okta.Config) { c.Raised, c.RateLimit = false, 3 })
	for i := range 3 {
		status, header, _, _ := w.get(t, "/api/v1/logs")
		if status != http.StatusOK || header.Get("X-Rate-Limit-Remaining") != string(rune('2'-i)) {
			t.Fatalf("request %d: %d, %s left", i, status, header.Get("X-Rate-Limit-Remaining"))
		}
	}
	status, header, _, body := w.get(t, "/api/v1/logs")
	if status != http.StatusTooManyRequests || !strings.Contains(body, "E0000047") || header.Get("X-Rate-Limit-Reset") == "" {
		t.Errorf("%d %s", status, body)
	}
	if status, _, _, _ := w.get(t, "/api/v1/users"); status != http.StatusOK {
		t.Errorf("users have the limit of logs: %d", status)
	}
	w.now = w.now.Add(time.Minute)
	if status, _, _, _ := w.get(t, "/api/v1/logs"); status != http.StatusOK {
		t.Errorf("%d after a minute", status)
	}
}

func TestRetention(t *testing.T) {
	w := newWorld(t, func(c *okta.Config) { c.Retention = 0 })
	w.now = w.history.Okta[50].Seen.Add(90 * 24 * time.Hour)
	_, _, got, _ := w.get(t, "/api/v1/logs?limit=1000&since=2020-01-01T00:00:00Z")
	if want := len(w.history.Okta) - 50; len(got) != want {
		t.Errorf("%d events, want %d", len(got), want)
	}
}

// TestDirectoryFollowsTheLog compares groups and members, read by the SDK, with
// a replay of the history.
func TestDirectoryFollowsTheLog(t *testing.T) {
	w := newWorld(t, func(c *okta.Config) { c.PageLimit = 3 })
	_, c, err := sdk.NewClient(t.Context(), sdk.WithOrgUrl(w.url), sdk.WithToken(token), sdk.WithTestingDisableHttpsCheck(true), sdk.WithCache(false))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, at := range []time.Time{w.now.Add(-12 * time.Hour), w.now, w.now.Add(-15 * time.Hour)} {
		w.now = at
		want := replay(t, w)
		groups := listGroups(t.Context(), t, c, nil)
		if len(groups) != len(want) {
			t.Errorf("%d groups, want %d", len(groups), len(want))
		}
		for _, g := range groups {
			got := members(t.Context(), t, c, g.Id)
			if !slices.Equal(got, want[g.Id]) {
				t.Errorf("%v: group %s has %v, want %v", at, g.Profile.Name, got, want[g.Id])
			}
			seen += len(got)
		}
		sw := listGroups(t.Context(), t, c, &query.Params{Search: `profile.name sw "aws"`})
		if len(sw) == 0 || len(sw) == len(groups) {
			t.Errorf("%d of %d groups begin with aws", len(sw), len(groups))
		}
	}
	if seen < 30 {
		t.Errorf("only %d members seen", seen)
	}
	users, resp, err := c.User.ListUsers(t.Context(), nil)
	if err != nil || len(users) != 3 || !resp.HasNextPage() || users[0].Status != "ACTIVE" || (*users[0].Profile)["login"] != (*users[0].Profile)["email"] {
		t.Errorf("users %+v, %v", users, err)
	}
}

func replay(t *testing.T, w *world) map[string][]string {
	t.Helper()
	type change struct {
		at  time.Time
		add bool
	}
	last := map[[2]string]change{}
	all := map[string][]string{}
	for i := range w.history.Okta {
		ev := &w.history.Okta[i]
		var e struct {
			EventType string
			Target    []struct{ ID, Type, AlternateID string }
		}
		if ev.Seen.After(w.now) {
			break
		}
		if err := json.Unmarshal(ev.AppendJSON(nil), &e); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.EventType, "group.user_membership.") {
			continue
		}
		var user, group string
		for _, target := range e.Target {
			if target.Type == "User" {
				user = target.AlternateID
			} else {
				group = target.ID
			}
		}
		all[group] = nil
		if k := [2]string{group, user}; !ev.At.Before(last[k].at) {
			last[k] = change{ev.At, e.EventType == "group.user_membership.add"}
		}
	}
	for k, c := range last {
		if c.add {
			all[k[0]] = append(all[k[0]], k[1])
		}
	}
	for _, logins := range all {
		slices.Sort(logins)
	}
	return all
}

func listGroups(ctx context.Context, t *testing.T, c *sdk.Client, q *query.Params) []*sdk.Group {
	t.Helper()
	groups, resp, err := c.Group.ListGroups(ctx, q)
	for err == nil && resp.HasNextPage() {
		var more []*sdk.Group
		resp, err = resp.Next(ctx, &more)
		groups = append(groups, more...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return groups
}

func members(ctx context.Context, t *testing.T, c *sdk.Client, group string) (logins []string) {
	t.Helper()
	users, resp, err := c.Group.ListGroupUsers(ctx, group, nil)
	for err == nil && resp.HasNextPage() {
		var more []*sdk.User
		resp, err = resp.Next(ctx, &more)
		users = append(users, more...)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		logins = append(logins, (*u.Profile)["login"].(string))
	}
	slices.Sort(logins)
	return logins
}

func TestConfigThatNoOrgCouldHave(t *testing.T) {
	h, err := organisation.Generate(organisation.Config{People: 2, Days: 1, Planted: -1})
	if err != nil {
		t.Fatal(err)
	}
	backwards := slices.Clone(h.Okta)
	slices.Reverse(backwards)
	for name, cfg := range map[string]okta.Config{
		"no name":             {Clock: time.Now, Token: token},
		"no clock":            {Org: "example", Token: token},
		"no token":            {Org: "example", Clock: time.Now},
		"no key":              {Org: "example", Clock: time.Now, ClientID: "0oa1"},
		"events in disorder":  {Org: "example", Clock: time.Now, Token: token, Events: backwards},
		"negative rate limit": {Org: "example", Clock: time.Now, Token: token, RateLimit: -1},
	} {
		if _, err := okta.New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
