// Package organisation makes up a company, what its people did in AWS by way of
// Okta, and the two logs that tell of it, together with the truth: the breaches
// that were planted, and the near misses that are none.
//
// A history is a function of its Config alone, byte for byte. What the truth
// says follows docs/correlation.md, with the default bounds; nothing here knows
// the engine that is tested with it.
package organisation

import (
	"fmt"
	"time"
)

// Config says how large an organisation is and what happens in it. The zero
// value of each field stands for its default.
type Config struct {
	Seed uint64
	// People is the number of employees; default 60.
	People int
	// Accounts is the number of AWS accounts; default and least 6.
	Accounts int
	// Groups is the number of roles per account that people can ask for, from 4
	// (default 5) to 12.
	Groups int
	// Days is the number of days worked; default 3.
	Days int
	// Start is the first day, cut to midnight UTC. By default it is derived
	// from the seed: 2026-03-02 for seeds 0 and 1, else a day of 2025 or 2026,
	// every third of them next to a change of clocks.
	Start time.Time
	// CallsPerSession is the mean number of AWS calls in a session; default 12.
	CallsPerSession int
	// Noise is the number of unrelated events per day and log; default 300;
	// negative for none.
	Noise int
	// Planted is the least number of planted findings; default 40; negative for
	// an organisation in which nothing is wrong.
	Planted int
	// Gap is the length of the hole in the Okta log; default 90 minutes;
	// negative for none. Without planted findings there is none.
	Gap time.Duration
	// Files is the approximate number of CloudTrail files; by default one per
	// account, region and five minutes.
	Files int
	// Records fills CloudTrail up to exactly so many records, two thirds of
	// them calls of sessions; OktaEvents likewise the Okta log. Noise is then 0.
	Records, OktaEvents int
}

// History is an organisation's two logs and the truth about them.
type History struct {
	Config Config // with the defaults filled in
	// Okta is in the order in which the log was persisted, which is how polling
	// hands it out; CloudTrail in the order of delivery.
	Okta, CloudTrail []Event
	// Approvals are the decisions of the feed "tickets", in their order.
	// Listings are what Okta said of the members of groups when it was asked: of
	// each group its members, then the snapshot that completes them.
	Approvals, Listings []Event
	Truth               Truth
	// Policy is policy.yaml.
	Policy []byte
}

// Generate makes up the history that cfg describes.
func Generate(cfg Config) (*History, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	g := newGenerator(cfg)
	g.found()
	g.plan()
	g.welcome()
	if cfg.Planted > 0 {
		if err := g.plant(); err != nil {
			return nil, err
		}
	}
	g.work()
	g.unused()
	g.askForMembers()
	g.truth.sort()
	g.noise()
	g.losses()
	g.copies()
	if err := g.fill(); err != nil {
		return nil, err
	}
	return g.history(), nil
}

func newGenerator(cfg Config) *generator {
	return &generator{cfg: cfg, busy: map[[2]int]bool{}, light: map[[2]int]int{}, refused: map[int]bool{}, refusals: map[int]int{}, assumed: map[assumer][]time.Time{}, oktaShard: "okta/" + org, trailShards: map[[2]string]string{}, zones: map[string]*time.Location{}}
}

// complete fills in defaults and refuses what cannot be made.
func (c Config) complete() (Config, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&c.People, 60)
	def(&c.Accounts, 6)
	def(&c.Groups, 5)
	def(&c.Days, 3)
	def(&c.CallsPerSession, 12)
	def(&c.Noise, 300)
	def(&c.Planted, 40)
	if c.Gap == 0 {
		c.Gap = 90 * time.Minute
	}
	if c.Records > 0 || c.OktaEvents > 0 || c.Noise < 0 {
		c.Noise = 0
	}
	if c.Start.IsZero() {
		c.Start = startOf(c.Seed)
	}
	c.Start = c.Start.UTC().Truncate(24 * time.Hour)
	for _, limit := range []struct {
		name           string
		got, low, high int
	}{{"People", c.People, 1, 100_000}, {"Accounts", c.Accounts, 6, 99}, {"Groups", c.Groups, 4, len(roleNames())}, {"Days", c.Days, 1, 366}, {"CallsPerSession", c.CallsPerSession, 1, 10_000}} {
		if limit.got < limit.low || limit.got > limit.high {
			return c, fmt.Errorf("organisation: %s must be %d to %d (got %d)", limit.name, limit.low, limit.high, limit.got)
		}
	}
	if c.Gap > 4*time.Hour || c.Gap > 0 && c.Gap < time.Hour {
		return c, fmt.Errorf("organisation: Gap must be 1h to 4h, or negative for none (got %v)", c.Gap)
	}
	return c, nil
}

// startOf derives the first day from the seed.
func startOf(seed uint64) time.Time {
	if seed < 2 {
		return time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	}
	if seed%3 == 0 {
		// Sundays on which New York or Berlin change their clocks.
		changes := []time.Time{
			time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC), time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC),
			time.Date(2026, 10, 25, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
			time.Date(2025, 3, 30, 0, 0, 0, 0, time.UTC), time.Date(2025, 10, 26, 0, 0, 0, 0, time.UTC),
		}
		return changes[seed/3%6].AddDate(0, 0, -int(seed/18%2))
	}
	return time.Date(2025, 1, 6, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(seed*97%700))
}
