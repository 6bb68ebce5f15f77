package api_test

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	sdk "github.com/okta/okta-sdk-golang/v2/okta"
	"github.com/okta/okta-sdk-golang/v2/okta/query"

	"jitaudit/internal/simulated/okta"
)

// These tests hold what this package guards against. When one fails after an
// update of the SDK, a guard may go.

func bare(t *testing.T, o *org, set ...sdk.ConfigSetter) *sdk.Client {
	t.Helper()
	set = append([]sdk.ConfigSetter{sdk.WithOrgUrl(o.url), sdk.WithToken("00token"), sdk.WithTestingDisableHttpsCheck(true)}, set...)
	_, c, err := sdk.NewClient(t.Context(), set...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSDKCachesAPoll(t *testing.T) {
	o := serve(t, nil)
	c := bare(t, o)
	for range 3 {
		if _, _, err := c.LogEvent.GetLogs(t.Context(), &query.Params{Limit: 10}); err != nil {
			t.Fatal(err)
		}
	}
	if got := o.Count(logsPath); got != 1 {
		t.Errorf("%d requests for three polls; the cache is off by default now", got)
	}
}

func TestSDKHasAlwaysANextPageAndAddsSince(t *testing.T) {
	o := serve(t, nil)
	c := bare(t, o, sdk.WithCache(false))
	_, resp, err := c.LogEvent.GetLogs(t.Context(), &query.Params{Since: o.now.Format(time.RFC3339), SortOrder: "ASCENDING"})
	if err != nil {
		t.Fatal(err)
	}
	var events []*sdk.LogEvent
	for range 2 {
		if !resp.HasNextPage() || !strings.Contains(resp.NextPage, "since=") || !strings.Contains(resp.NextPage, "after=") {
			t.Fatalf("next page is %q", resp.NextPage)
		}
		if resp, err = resp.Next(t.Context(), &events); err != nil || len(events) != 0 {
			t.Fatalf("%d events, %v", len(events), err)
		}
	}
}

func TestSDKReturnsNoResponseOnceThrottled(t *testing.T) {
	o := serve(t, nil)
	o.Fail(10, okta.Fault{Kind: okta.Throttled, After: -time.Second})
	c := bare(t, o, sdk.WithCache(false))
	_, resp, err := c.LogEvent.GetLogs(t.Context(), nil)
	if resp != nil || err == nil || err.Error() != "too many requests" {
		t.Errorf("response %v, error %v", resp, err)
	}
}

func TestSDKRepeatsAClosedConnectionAtOnce(t *testing.T) {
	o := serve(t, nil)
	o.Fail(1_000_000, okta.Fault{Kind: okta.Closed})
	c := bare(t, o, sdk.WithCache(false))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, _, _ = c.LogEvent.GetLogs(ctx, nil) // the requests count
	if got := o.Count(logsPath); got < 20 {
		t.Errorf("%d requests; the SDK waits between them now", got)
	}
}

func TestSDKTypeDropsFields(t *testing.T) {
	o := serve(t, nil)
	c := bare(t, o, sdk.WithCache(false))
	events, resp, err := c.LogEvent.GetLogs(t.Context(), &query.Params{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	typed, err := json.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	if field := "rootSessionId"; !strings.Contains(string(raw), field) || strings.Contains(string(typed), field) {
		t.Errorf("%s: sent %t, kept %t", field, strings.Contains(string(raw), field), strings.Contains(string(typed), field))
	}
}
