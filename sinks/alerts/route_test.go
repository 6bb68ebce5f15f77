package alerts

import (
	"strings"
	"testing"
	"time"

	"jitaudit/schemas"
)

func TestRoute(t *testing.T) {
	ada := schemas.Person{Key: "okta:example/00U1", Name: "Ada@Example.com"}
	finding := &record{finding: &schemas.Finding{Rule: "no_mfa", Severity: schemas.High, Account: "111111111111", Role: "Admin", Session: "ses_1", Person: ada}}
	grant := &record{grant: &schemas.Grant{Account: "111111111111", Role: "Admin", Person: ada}}
	session := &record{session: &schemas.Session{ID: "ses_1", Account: "222222222222", Role: "Admin", Person: schemas.Person{Key: "aws:bob", Name: "bob"}}}
	one := func(m Matcher) Route { return Route{Match: []Matcher{m}} }
	tests := []struct {
		name                    string
		route                   Route
		finding, grant, session bool
	}{
		{"none", Route{}, true, true, true},
		{"kind", one(Matcher{Kinds: []Kind{Grants, Sessions}}), false, true, true},
		{"rule", one(Matcher{Rules: []string{"no_grant", "no_mfa"}}), true, false, false},
		{"another rule", one(Matcher{Rules: []string{"no_grant"}}), false, false, false},
		{"as severe", one(Matcher{Severity: schemas.High}), true, false, false},
		{"less severe", one(Matcher{Severity: schemas.Critical}), false, false, false},
		{"more severe", one(Matcher{Severity: schemas.Info}), true, false, false},
		{"account", one(Matcher{Accounts: []string{"222222222222"}}), false, false, true},
		{"login", one(Matcher{Persons: []string{" ADA@example.com"}}), true, true, false},
		{"key", one(Matcher{Persons: []string{"okta:example/00u1", "AWS:Bob"}}), true, true, true},
		{"all of one", one(Matcher{Kinds: []Kind{Findings}, Accounts: []string{"222222222222"}}), false, false, false},
		{"one of several", Route{Match: []Matcher{{Accounts: []string{"222222222222"}}, {Severity: schemas.Low}}}, true, false, true},
		{"but for", Route{Except: []Matcher{{Rules: []string{"no_mfa"}}, {Persons: []string{"bob"}}}}, false, true, false},
		{"one, but for", Route{Match: []Matcher{{Accounts: []string{"111111111111"}}}, Except: []Matcher{{Kinds: []Kind{Findings}}}}, false, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := tt.route.validate(); err != nil {
				t.Fatal(err)
			}
			r := tt.route.folded()
			if got := [3]bool{r.takes(finding), r.takes(grant), r.takes(session)}; got != [3]bool{tt.finding, tt.grant, tt.session} {
				t.Errorf("finding, grant, session: got %v", got)
			}
		})
	}
}

func TestGroupKey(t *testing.T) {
	f := &record{finding: &schemas.Finding{Rule: "a", Severity: "high", Account: "b", Role: "c", Session: "d", Person: schemas.Person{Key: "e"}}}
	s := &record{session: &schemas.Session{ID: "d", Account: "b", Role: "c", Person: schemas.Person{Key: "e"}}}
	for by, same := range map[Label]bool{ByRule: false, ByAccount: true, ByRole: true, ByPerson: true, BySeverity: false, BySession: true} {
		if got := groupKey([]Label{by}, f) == groupKey([]Label{by}, s); got != same {
			t.Errorf("by %s a finding and its session are in one group: %t", by, got)
		}
	}
	// What ends one value must not begin the next.
	x := &record{grant: &schemas.Grant{Account: "1", Role: "11"}}
	y := &record{grant: &schemas.Grant{Account: "11", Role: "1"}}
	if by := []Label{ByAccount, ByRole}; groupKey(by, x) == groupKey(by, y) {
		t.Error("two groups are one")
	}
	if groupKey(nil, f) != groupKey(nil, x) {
		t.Error("without labels there is more than one group")
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := Config{Name: "soc"}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		want string
		with func(*Config)
	}{
		{"name: want 1 to 63", func(c *Config) { c.Name = "" }},
		{"name: want 1 to 63", func(c *Config) { c.Name = "a/b" }},
		{"kinds: want finding", func(c *Config) { c.Kinds = []Kind{"use"} }},
		{"kinds: want finding", func(c *Config) { c.Kinds = []Kind{Grants, Grants} }},
		{"group_by: want rule", func(c *Config) { c.GroupBy = []Label{"kind"} }},
		{"group_wait: must not be negative (got -1s)", func(c *Config) { c.GroupWait = -time.Second }},
		{"max_age: must not be negative", func(c *Config) { c.MaxAge = -time.Second }},
		{"max_alerts: between 1 and 10000 (got -1)", func(c *Config) { c.MaxAlerts = -1 }},
		{"max_pending: at least max_alerts, 100 (got 99)", func(c *Config) { c.MaxPending = 99 }},
		{"rate: between", func(c *Config) { c.Rate = -1 }},
		{"backoff: cannot grow from 1m0s to 1s", func(c *Config) { c.MinBackoff, c.MaxBackoff = time.Minute, time.Second }},
		{"forget_after: at least max_age", func(c *Config) { c.ForgetAfter = time.Hour }},
		{"route: match 2: severity: want info", func(c *Config) { c.Route.Match = []Matcher{{Rules: []string{"a"}}, {Severity: "grave"}} }},
		{"route: except 1: it is empty", func(c *Config) { c.Route.Except = []Matcher{{}} }},
		{"route: match 1: kinds: want", func(c *Config) { c.Route.Match = []Matcher{{Kinds: []Kind{""}}} }},
		{"link: it is no URL", func(c *Config) { c.Link = "grafana.example.com" }},
		{"link: it holds a password", func(c *Config) { c.Link = "https://ada:secret@grafana.example.com" }},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			c := good
			tt.with(&c)
			err := c.Validate()
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestLink(t *testing.T) {
	tests := []struct{ link, record, digest string }{
		{"", "", ""},
		{"https://audit.example.com/findings", "https://audit.example.com/findings/fnd_1", "https://audit.example.com/findings"},
		{"https://audit.example.com/findings/?org=1", "https://audit.example.com/findings/fnd_1?org=1", "https://audit.example.com/findings/?org=1"},
		{"https://audit.example.com/d/x?var-id={id}&kiosk", "https://audit.example.com/d/x?var-id=fnd_1&kiosk", "https://audit.example.com/d/x?var-id=&kiosk"},
	}
	for _, tt := range tests {
		c := Config{Name: "a", Link: tt.link}
		if err := c.Validate(); err != nil {
			t.Fatal(err)
		}
		if got := c.linkTo("fnd_1"); got != tt.record {
			t.Errorf("%s: a record is at %s", tt.link, got)
		}
		if got := c.linkTo(""); got != tt.digest {
			t.Errorf("%s: a digest is at %s", tt.link, got)
		}
	}
}
