package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"time"
)

// OktaOrg is one Okta org whose System Log is read.
type OktaOrg struct {
	// Org is the org's name, as the policy's providers call it (okta_org).
	Org string
	URL string // https://example.okta.com
	// Token is an API token; else ClientID and PrivateKey are those of a service
	// app that may use the scope okta.logs.read.
	Token      Secret
	ClientID   string
	PrivateKey Secret // PEM
	// KeyID is the key's id in Okta, for an app with several.
	KeyID string

	// Since is where reading begins. Okta keeps 90 days.
	Since Since
	// Lateness is how long after its time an event may still turn up.
	Lateness     time.Duration
	PollInterval time.Duration
	// Filter is an expression of the System Log API; empty: all events.
	Filter string
	// Holes are when the org's log is known to be incomplete.
	Holes     []Hole
	Directory Directory
	// Governance: ask Okta Identity Governance who approved the access requests that
	// the log names, for which the scope okta.accessRequests.request.read is needed.
	Governance bool
}

// Directory is how members of groups are read beside the log.
type Directory struct {
	// Groups are regular expressions for whole names of groups; none: no group
	// is read.
	Groups   []string
	Interval time.Duration
}

// Patterns are the expressions of Groups; each matches whole names only.
func (d *Directory) Patterns() ([]*regexp.Regexp, error) {
	out := make([]*regexp.Regexp, len(d.Groups))
	for i, g := range d.Groups {
		r, err := regexp.Compile("^(?:" + g + ")$")
		if err != nil {
			return nil, fmt.Errorf("directory.groups[%d]: %w", i, err)
		}
		out[i] = r
	}
	return out, nil
}

// Hole is an interval [From, To) in which a log is known to miss events.
type Hole struct {
	From, To time.Time // UTC
	Reason   string
}

// oktaKeeps is how long Okta keeps its System Log (Okta: System Log API).
const oktaKeeps = 90 * day

func defaultOktaOrg() OktaOrg {
	return OktaOrg{
		Since:        Since{Ago: oktaKeeps},
		Lateness:     5 * time.Minute,
		PollInterval: 10 * time.Second,
		Directory:    Directory{Interval: time.Hour},
	}
}

func (o *OktaOrg) fields() []field {
	fields := []field{
		text("org", &o.Org, orgName),
		text("url", &o.URL, safeURL),
	}
	fields = append(fields, secret("token", &o.Token)...)
	fields = append(fields, text("client_id", &o.ClientID, nil))
	fields = append(fields, secret("private_key", &o.PrivateKey)...)
	return append(fields,
		text("key_id", &o.KeyID, nil),
		since("since", &o.Since, oktaKeeps),
		duration("lateness", &o.Lateness, span{least: time.Second, most: day}),
		duration("poll_interval", &o.PollInterval, span{least: time.Second, most: time.Hour}),
		text("filter", &o.Filter, nil),
		sections("holes", &o.Holes, func() Hole { return Hole{} }, (*Hole).fields),
		section("directory", []field{
			texts("groups", &o.Directory.Groups, regularExpression),
			duration("interval", &o.Directory.Interval, span{least: time.Minute, most: 7 * day}),
		}),
		boolean("governance", &o.Governance),
	)
}

func (h *Hole) fields() []field {
	return []field{
		instant("from", &h.From),
		instant("to", &h.To),
		text("reason", &h.Reason, nil),
	}
}

// orgName checks what becomes part of a shard's name.
func orgName(s string) error {
	if !regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,62}$`).MatchString(s) {
		return errors.New("is no name for an org: lower case letters, digits, dot, _ and -, 63 at most, as the policy's okta_org")
	}
	return nil
}

func regularExpression(s string) error {
	if len(s) > 1000 {
		return errors.New("is longer than 1000 characters")
	}
	// The code alone: the message repeats the text.
	var wrong *syntax.Error
	if _, err := regexp.Compile(s); errors.As(err, &wrong) {
		return fmt.Errorf("is no regular expression of Go: %s", wrong.Code)
	}
	return nil
}
