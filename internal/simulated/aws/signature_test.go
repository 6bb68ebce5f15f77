package aws_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"jitaudit/internal/simulated/aws"
)

func TestSignaturesAreDemandedAndVerified(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	s, url := start(t, aws.Config{
		Clock:           func() time.Time { return now },
		DisabledRegions: []string{"me-south-1"},
		Principals: map[string]aws.Principal{
			keyID:                  {Secret: secret, Account: account},
			"AKIAEXAMPLE000000002": {Secret: secret, Account: account, Denied: []string{"cloudtrail:LookupEvents"}},
		},
	})
	with := func(id, secret, token string) func(*awssdk.Config) {
		return func(c *awssdk.Config) {
			c.Credentials = credentials.NewStaticCredentialsProvider(id, secret, token)
		}
	}
	tests := []struct {
		name, region, want string
		more               func(*awssdk.Config)
	}{
		{"the right key", region, "", with(keyID, secret, "")},
		{"a wrong secret", region, "InvalidSignatureException", with(keyID, "another", "")},
		{"an unknown key", region, "UnrecognizedClientException", with("AKIAEXAMPLE000000009", secret, "")},
		{"a token that belongs to nothing", region, "UnrecognizedClientException", with(keyID, secret, "token")},
		{"no right to look up", region, "AccessDeniedException", with("AKIAEXAMPLE000000002", secret, "")},
		{"a region without opt-in", "me-south-1", "UnrecognizedClientException", with(keyID, secret, "")},
		{"no signature", region, "MissingAuthenticationTokenException", func(c *awssdk.Config) {
			c.Credentials = awssdk.AnonymousCredentials{}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := lookup(t.Context(), connect(t, url, tt.region, tt.more), &cloudtrail.LookupEventsInput{})
			if code(err) != tt.want || (err == nil) != (tt.want == "") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
	if got := s.Counts()[aws.Outcome{Operation: aws.LookupEvents, Shard: home, Code: "AccessDeniedException"}]; got != 1 {
		t.Errorf("%d requests were refused by right, want 1: %v", got, s.Counts())
	}
}

// tamper changes a request after it was signed.
type tamper struct {
	http.RoundTripper
	change func(*http.Request)
}

func (t tamper) RoundTrip(r *http.Request) (*http.Response, error) {
	t.change(r)
	return t.RoundTripper.RoundTrip(r)
}

func TestWhatIsChangedAfterSigningIsRefused(t *testing.T) {
	_, url := start(t, aws.Config{})
	tests := []struct {
		name, want string
		change     func(*http.Request)
	}{
		{"nothing", "", func(*http.Request) {}},
		{"a header of AWS", "InvalidSignatureException", func(r *http.Request) { r.Header.Set("Content-Type", "application/x-amz-json-1.0") }},
		{"an unsigned header of AWS", "InvalidSignatureException", func(r *http.Request) { r.Header.Set("X-Amz-Account", "1") }},
		{"the region of the scope", "InvalidSignatureException", func(r *http.Request) {
			r.Header.Set("Authorization", strings.ReplaceAll(r.Header.Get("Authorization"), region, "us-east-1"))
		}},
		{"half of the header", "IncompleteSignatureException", func(r *http.Request) {
			before, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
			r.Header.Set("Authorization", before)
		}},
		{"another algorithm", "IncompleteSignatureException", func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }},
		{"no date", "IncompleteSignatureException", func(r *http.Request) { r.Header.Del("X-Amz-Date") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := connect(t, url, region, func(c *awssdk.Config) {
				h := c.HTTPClient.(*http.Client)
				h.Transport = tamper{h.Transport, tt.change}
			})
			if _, err := lookup(t.Context(), c, &cloudtrail.LookupEventsInput{}); code(err) != tt.want {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAClientFarFromTheClockLearnsIt(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)
	var codes []string
	_, url := start(t, aws.Config{
		Clock: func() time.Time { return now }, Skew: 5 * time.Minute,
		Observe: func(r aws.Request) { codes = append(codes, r.Code) },
	})
	if _, err := lookup(t.Context(), connect(t, url, region, patient), &cloudtrail.LookupEventsInput{}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"InvalidSignatureException", ""}; !slices.Equal(codes, want) {
		t.Errorf("answers were %q, want %q", codes, want)
	}
}
