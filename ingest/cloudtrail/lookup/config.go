package lookup

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/prometheus/client_golang/prometheus"

	"jitaudit/ingest"
	"jitaudit/schemas"
)

// Config says what is collected, and how. The zero value of a duration or rate
// stands for its default.
type Config struct {
	// Account (12 digits) and Region are the shard. The credentials of AWS must
	// be the account's: events of another one are refused.
	Account, Region string
	// AWS is how to reach AWS; see awsapi.Connect. Its region does not matter, so that
	// all regions of an account can share it and its credentials.
	AWS aws.Config
	// Log takes the events.
	Log ingest.Log
	// Since is the time from which events are collected. Nothing older than 90
	// days can be had; the zero value asks for all of that.
	Since time.Time
	// Lateness is how long after an event it is surely listed, 20 minutes by
	// default. CloudTrail promises nothing; it writes of about 5 minutes on
	// average (CloudTrail user guide).
	Lateness time.Duration
	// Recheck is how far behind what is covered is looked now and then for events
	// that came later still; twice Lateness by default.
	Recheck time.Duration
	// PollInterval is the pause between rounds, 1 minute by default.
	PollInterval time.Duration
	// Window is the interval of event time that one query asks for, 1 hour by
	// default. A backfill can be resumed after each.
	Window time.Duration
	// EventNames are the only events to ask for, with one query per name and
	// window; empty: all management events. Coverage is then claimed of these
	// alone. If a name is added, the shard is read again from Since.
	EventNames []string
	// RequestsPerSecond is the limit that the collector keeps, repetitions
	// included; 2 by default, which is AWS's limit for an account and region.
	RequestsPerSecond float64
	// RequestTimeout is how long one request may last, 30 seconds by default.
	RequestTimeout time.Duration
	// MaxBackoff is the longest pause after failures, 1 minute by default.
	MaxBackoff time.Duration
	// Holes are intervals for which coverage must not be claimed.
	Holes []schemas.Interval
	// ExcludeRoles are the ARNs of roles whose successful LookupEvents calls are
	// left out and counted as kind "excluded": the collector's own, which
	// otherwise make up much of a quiet account's history. All else that the
	// roles do is kept.
	ExcludeRoles []string
	// Metrics and Logger may be nil.
	Metrics *ingest.Metrics
	Logger  *slog.Logger
}

// complete fills in defaults and refuses contradictions.
func (c Config) complete() (Config, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		def   time.Duration
	}{
		{"Lateness", &c.Lateness, 20 * time.Minute}, {"PollInterval", &c.PollInterval, time.Minute},
		{"Window", &c.Window, time.Hour}, {"RequestTimeout", &c.RequestTimeout, 30 * time.Second},
		{"MaxBackoff", &c.MaxBackoff, time.Minute}, {"Recheck", &c.Recheck, 0},
	} {
		if *d.value < 0 {
			return c, fmt.Errorf("%s must not be negative (got %v)", d.name, *d.value)
		}
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.Recheck == 0 {
		c.Recheck = 2 * c.Lateness
	}
	if c.RequestsPerSecond == 0 {
		c.RequestsPerSecond = 2
	}
	if c.Metrics == nil {
		c.Metrics = ingest.NewMetrics(prometheus.NewRegistry())
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c, c.check()
}

func (c *Config) check() error {
	switch {
	case !regexp.MustCompile(`^\d{12}$`).MatchString(c.Account):
		return errors.New("Account must be 12 digits")
	case !regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+)+$`).MatchString(c.Region):
		return errors.New("Region must be a region's code like eu-central-1")
	case c.AWS.Credentials == nil:
		return errors.New("AWS has no credentials; make it with awsapi.Connect")
	case c.Log == nil:
		return errors.New("Log is missing")
	case c.RequestsPerSecond < 0:
		return fmt.Errorf("RequestsPerSecond must be positive (got %v)", c.RequestsPerSecond)
	case c.Window < time.Second:
		return fmt.Errorf("Window must be at least 1s (got %v)", c.Window)
	case slices.Contains(c.EventNames, ""):
		return errors.New("EventNames has an empty name")
	}
	for _, h := range c.Holes {
		if !h.From.Before(h.To) {
			return fmt.Errorf("Holes has an interval that ends at or before its beginning (%s to %s)", h.From.Format(time.RFC3339), h.To.Format(time.RFC3339))
		}
	}
	return nil
}
