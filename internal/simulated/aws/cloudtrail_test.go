package aws_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"jitaudit/internal/organisation"
	"jitaudit/internal/simulated/aws"
)

// later is after the last delivery of the history.
func later(events []organisation.Event) time.Time {
	last := events[0].Seen
	for _, ev := range events {
		if ev.Seen.After(last) {
			last = ev.Seen
		}
	}
	return last.Add(time.Second)
}

func TestEventsComeByteEqualAndNewestFirst(t *testing.T) {
	events := history(t)
	now := later(events)
	_, url := start(t, aws.Config{Events: events, Clock: func() time.Time { return now }})
	c := cloudtrail.NewFromConfig(connect(t, url, region))

	got := all(t, c, &cloudtrail.LookupEventsInput{})
	want := []string{}
	for _, ev := range in(events, home) {
		want = append(want, string(ev.AppendJSON(nil)))
	}
	slices.Sort(want)
	sorted := slices.Sorted(slices.Values(got))
	if len(want) < 60 || !slices.Equal(sorted, want) {
		t.Errorf("got %d events, want the %d of the shard (more than one page)", len(got), len(want))
	}

	out, err := c.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(out.Events, func(a, b types.Event) int { return b.EventTime.Compare(*a.EventTime) }) {
		t.Error("events are not newest first")
	}
	for _, e := range out.Events {
		if ro := awssdk.ToString(e.ReadOnly); ro != "true" && ro != "false" || awssdk.ToString(e.EventId) == "" || awssdk.ToString(e.EventName) == "" || awssdk.ToString(e.EventSource) == "" {
			t.Fatalf("%+v lacks something", e)
		}
	}
	if at, ok := middleware.GetServerTime(out.ResultMetadata); !ok || !at.Equal(now.Truncate(time.Second)) {
		t.Errorf("Date is %v, want the clock's %v", at, now)
	}
}

func TestParametersAreChecked(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	_, url := start(t, aws.Config{Clock: func() time.Time { return now }})
	attribute := func(key, value string) types.LookupAttribute {
		return types.LookupAttribute{AttributeKey: types.LookupAttributeKey(key), AttributeValue: &value}
	}
	tests := []struct {
		name, want string
		in         cloudtrail.LookupEventsInput
	}{
		{"nothing", "", cloudtrail.LookupEventsInput{}},
		{"one attribute", "", cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{attribute("EventName", "X")}}},
		{"two attributes", "InvalidLookupAttributesException", cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{attribute("EventName", "X"), attribute("ReadOnly", "true")}}},
		{"an unknown attribute", "InvalidLookupAttributesException", cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{attribute("Region", "X")}}},
		{"0 results", "InvalidMaxResultsException", cloudtrail.LookupEventsInput{MaxResults: awssdk.Int32(0)}},
		{"50 results", "", cloudtrail.LookupEventsInput{MaxResults: awssdk.Int32(50)}},
		{"51 results", "InvalidMaxResultsException", cloudtrail.LookupEventsInput{MaxResults: awssdk.Int32(51)}},
		{"an end before the start", "InvalidTimeRangeException", cloudtrail.LookupEventsInput{StartTime: awssdk.Time(now), EndTime: awssdk.Time(now.Add(-time.Second))}},
		{"90 days ago", "", cloudtrail.LookupEventsInput{StartTime: awssdk.Time(now.AddDate(0, 0, -90))}},
		{"longer ago", "InvalidTimeRangeException", cloudtrail.LookupEventsInput{StartTime: awssdk.Time(now.AddDate(0, 0, -90).Add(-time.Second))}},
		{"an invented token", "InvalidNextTokenException", cloudtrail.LookupEventsInput{NextToken: awssdk.String("dG9rZW4=")}},
		{"an unknown category", "InvalidEventCategoryException", cloudtrail.LookupEventsInput{EventCategory: "data"}},
		{"insights", "", cloudtrail.LookupEventsInput{EventCategory: types.EventCategoryInsight}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := lookup(t.Context(), connect(t, url, region), &tt.in); code(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAttributesChooseEvents(t *testing.T) {
	events := in(history(t), home)
	now := later(events)
	_, url := start(t, aws.Config{Events: events, Clock: func() time.Time { return now }})
	c := cloudtrail.NewFromConfig(connect(t, url, region))
	out, err := c.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{})
	if err != nil {
		t.Fatal(err)
	}
	e := out.Events[slices.IndexFunc(out.Events, func(e types.Event) bool { return e.AccessKeyId != nil && e.Username != nil })]
	for key, value := range map[types.LookupAttributeKey]*string{
		"EventId": e.EventId, "EventName": e.EventName, "ReadOnly": e.ReadOnly, "Username": e.Username,
		"EventSource": e.EventSource, "AccessKeyId": e.AccessKeyId,
	} {
		got := all(t, c, &cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{{AttributeKey: key, AttributeValue: value}}})
		if len(got) == 0 || len(got) == len(events) || !slices.Contains(got, *e.CloudTrailEvent) {
			t.Errorf("%s=%s finds %d of %d events, want some, among them the one it was taken from", key, *value, len(got), len(events))
		}
	}
	if got := all(t, c, &cloudtrail.LookupEventsInput{StartTime: e.EventTime, EndTime: e.EventTime}); !slices.Contains(got, *e.CloudTrailEvent) {
		t.Error("start and end are not included")
	}
}

func TestResourcesChooseEvents(t *testing.T) {
	events := history(t)
	now := later(events)
	_, url := start(t, aws.Config{Events: events, Clock: func() time.Time { return now }})
	c := cloudtrail.NewFromConfig(connect(t, url, "us-east-1"))
	role := types.LookupAttribute{AttributeKey: "ResourceType", AttributeValue: awssdk.String("AWS::IAM::Role")}
	out, err := c.LookupEvents(t.Context(), &cloudtrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{role}})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range out.Events {
		if *e.EventName != "AssumeRoleWithSAML" || len(e.Resources) != 2 {
			t.Errorf("%s has %d resources, want only AssumeRoleWithSAML with a role and a provider", *e.EventName, len(e.Resources))
		}
	}
	if len(out.Events) == 0 {
		t.Error("no assumption of a role was found")
	}
}

func TestATokenIsBoundToItsParameters(t *testing.T) {
	events := in(history(t), home)
	now := later(events)
	s, url := start(t, aws.Config{Events: events, Clock: func() time.Time { return now }})
	c := connect(t, url, region)
	first := cloudtrail.LookupEventsInput{MaxResults: awssdk.Int32(5), EndTime: awssdk.Time(now)}
	out, err := lookup(t.Context(), c, &first)
	if err != nil {
		t.Fatal(err)
	}
	next := func(change func(*cloudtrail.LookupEventsInput), c awssdk.Config) string {
		in := first
		in.NextToken = out.NextToken
		change(&in)
		_, err := lookup(t.Context(), c, &in)
		return code(err)
	}
	same := func(*cloudtrail.LookupEventsInput) {}
	if got := next(same, c); got != "" {
		t.Errorf("with the same parameters: %s", got)
	}
	for name, got := range map[string]string{
		"another end":    next(func(in *cloudtrail.LookupEventsInput) { in.EndTime = awssdk.Time(now.Add(time.Second)) }, c),
		"no end":         next(func(in *cloudtrail.LookupEventsInput) { in.EndTime = nil }, c),
		"another size":   next(func(in *cloudtrail.LookupEventsInput) { in.MaxResults = awssdk.Int32(6) }, c),
		"another region": next(same, connect(t, url, "us-east-1")),
	} {
		if got != "InvalidNextTokenException" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	s.ExpireTokens()
	if got := next(same, c); got != "InvalidNextTokenException" {
		t.Errorf("after it has expired: got %q", got)
	}
}

func TestEventsAreListedOnceTheyAreDelivered(t *testing.T) {
	events := in(history(t), home)[:1]
	ev := &events[0]
	now := &clock{now: ev.Seen.Add(-time.Nanosecond)}
	_, url := start(t, aws.Config{Events: events, Clock: now.Now})
	c := cloudtrail.NewFromConfig(connect(t, url, region))
	if got := all(t, c, &cloudtrail.LookupEventsInput{}); len(got) != 0 {
		t.Error("it is listed before its delivery")
	}
	now.Set(ev.Seen)
	if got := all(t, c, &cloudtrail.LookupEventsInput{}); len(got) != 1 {
		t.Error("it is not listed after its delivery")
	}
	now.Set(ev.At.AddDate(0, 0, 90).Add(time.Second))
	if got := all(t, c, &cloudtrail.LookupEventsInput{}); len(got) != 0 {
		t.Error("it is listed after 90 days")
	}
}

func TestTwoLookupsPerSecondAndShard(t *testing.T) {
	s, url := start(t, aws.Config{RequestsPerSecond: 2})
	got := map[string]int{}
	for range 5 {
		_, err := lookup(t.Context(), connect(t, url, region), &cloudtrail.LookupEventsInput{})
		got[code(err)]++
	}
	if got["ThrottlingException"] < 2 || got[""] < 2 {
		t.Errorf("five requests at once were answered %v", got)
	}
	if _, err := lookup(t.Context(), connect(t, url, "us-east-1"), &cloudtrail.LookupEventsInput{}); err != nil {
		t.Errorf("another region: %v", err)
	}
	if n := s.Count(aws.LookupEvents, home); n != 5 {
		t.Errorf("%d requests were counted, want 5", n)
	}
}

func TestFaultsHappenOnceAndAreSurvivedByTheSDK(t *testing.T) {
	s, url := start(t, aws.Config{})
	for _, f := range []aws.Fault{aws.Throttled, aws.Failed, aws.Closed} {
		t.Run(string(f), func(t *testing.T) {
			s.Fail(2, f)
			if _, err := lookup(t.Context(), connect(t, url, region, patient), &cloudtrail.LookupEventsInput{}); err != nil {
				t.Error(err)
			}
			if got := s.Counts()[aws.Outcome{Operation: aws.LookupEvents, Code: string(f)}]; got != 2 {
				t.Errorf("it happened %d times, want 2", got)
			}
		})
	}
	s.Fail(1, aws.Cut)
	if _, err := lookup(t.Context(), connect(t, url, region, patient), &cloudtrail.LookupEventsInput{}); err == nil {
		t.Error("a body that was cut made no error")
	}
}

func TestInAllShardsTogetherEverythingIsListed(t *testing.T) {
	events := history(t)
	now := later(events)
	byAccount := map[string]string{}
	principals := map[string]aws.Principal{}
	shards := map[string]int{}
	for _, ev := range events {
		a := ev.Shard[4:16]
		if byAccount[a] == "" {
			byAccount[a] = fmt.Sprintf("AKIAEXAMPLE%09d", len(byAccount))
			principals[byAccount[a]] = aws.Principal{Secret: secret, Account: a}
		}
		shards[ev.Shard]++
	}
	_, url := start(t, aws.Config{Events: events, Clock: func() time.Time { return now }, Principals: principals})
	for shard, want := range shards {
		c := connect(t, url, shard[17:], func(c *awssdk.Config) {
			c.Credentials = keys(byAccount[shard[4:16]])
		})
		if got := len(all(t, cloudtrail.NewFromConfig(c), &cloudtrail.LookupEventsInput{})); got != want {
			t.Errorf("%s lists %d events, want %d", shard, got, want)
		}
	}
}
