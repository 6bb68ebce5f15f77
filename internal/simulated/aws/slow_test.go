package aws_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"jitaudit/internal/simulated/aws"
)

func TestASlowServerWaitsForItsClientToGiveUp(t *testing.T) {
	s, url := start(t, aws.Config{})
	s.Fail(1, aws.Slow)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := lookup(ctx, connect(t, url, region), &cloudtrail.LookupEventsInput{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	if _, err := lookup(t.Context(), connect(t, url, region), &cloudtrail.LookupEventsInput{}); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

func TestWhatIsNotSimulatedSaysSo(t *testing.T) {
	_, url := start(t, aws.Config{})
	tests := []struct {
		name, method, path, target, body string
		status                           int
		want                             string
	}{
		{"another path", http.MethodPost, "/events", "", "", http.StatusNotFound, "UnknownOperationException"},
		{"another method", http.MethodGet, "/", "", "", http.StatusNotFound, "UnknownOperationException"},
		{"another operation", http.MethodPost, "/", "CloudTrail_20131101.ListTrails", "{}", http.StatusBadRequest, "UnknownOperationException"},
		{"another service", http.MethodPost, "/", "DynamoDB_20120810.Query", "{}", http.StatusBadRequest, "UnknownOperationException"},
		{"another action", http.MethodPost, "/", "", "Action=GetCallerIdentity", http.StatusBadRequest, "InvalidAction"},
		{"nothing", http.MethodPost, "/", "", "", http.StatusBadRequest, "MissingAction"},
		{"an older target, unsigned", http.MethodPost, "/", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents", "{}", http.StatusForbidden, "MissingAuthenticationTokenException"},
	}
	client := connect(t, url, region).HTTPClient
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), tt.method, url+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.target != "" {
				r.Header.Set("X-Amz-Target", tt.target)
			}
			res, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			text := make([]byte, 1000)
			n, _ := res.Body.Read(text)
			if res.StatusCode != tt.status || !strings.Contains(string(text[:n]), tt.want) || res.Header.Get("Date") == "" {
				t.Errorf("got %d %q, want %d %s", res.StatusCode, text[:n], tt.status, tt.want)
			}
		})
	}
}
