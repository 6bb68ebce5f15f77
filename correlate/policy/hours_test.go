package policy_test

import (
	"testing"
	"time"

	"jitaudit/correlate/policy"
)

const hoursPolicy = `
accounts: {prod: "111111111111", prod-eu: "222222222222", dev: "333333333333"}
time_intervals:
  - name: office
    time_intervals:
      - weekdays: ['monday:friday']
        times: [{start_time: '08:00', end_time: '18:00'}]
        location: Europe/Berlin
  - name: holidays
    time_intervals:
      - {months: [december], days_of_month: ['25:26'], location: Europe/Berlin}
  - name: night
    time_intervals:
      - {times: [{start_time: '01:30', end_time: '03:30'}], location: Europe/Berlin}
  - name: small hours
    time_intervals:
      - {times: [{start_time: '02:00', end_time: '03:00'}], location: Europe/Berlin}
  - name: last day
    time_intervals:
      - {days_of_month: ['-1'], location: Europe/Berlin}
  - name: mornings
    time_intervals:
      - times: [{start_time: '06:00', end_time: '12:00'}]
  - name: evenings
    time_intervals:
      - times: [{start_time: '20:00', end_time: '24:00'}]
        location: America/New_York
approved_hours:
  - {accounts: [prod], roles: [Night], within: [night]}
  - {accounts: [prod], roles: [Small], within: [small hours]}
  - {accounts: [prod], roles: [LastDay], within: [last day]}
  - {accounts: [prod], people: ['*@partner.example'], within: [mornings, evenings]}
  - {accounts: ['prod*'], roles: ['Admin*'], within: [office], except: [holidays]}
  - {accounts: [dev], except: [holidays]}
`

func TestWithinHours(t *testing.T) {
	p := mustParse(t, hoursPolicy)
	const prod, eu, dev = "111111111111", "222222222222", "333333333333"
	in := func(account, role string, people ...string) policy.Scope {
		return policy.Scope{Account: account, Role: role, People: people}
	}
	admin := in(prod, "Admin", "ada@example.com")
	office := "office except holidays"
	for _, tc := range []struct {
		name  string
		scope policy.Scope
		at    string
		want  bool
		names string
	}{
		{"winter, before office", admin, "2026-01-12T06:59:59.999Z", false, office},
		{"winter, office begins", admin, "2026-01-12T07:00:00Z", true, office},
		{"winter, last instant", admin, "2026-01-12T16:59:59.999Z", true, office},
		{"winter, office has ended", admin, "2026-01-12T17:00:00Z", false, office},
		{"summer begins an hour earlier in UTC", admin, "2026-07-13T06:00:00Z", true, office},
		{"summer has ended", admin, "2026-07-13T16:00:00Z", false, office},
		{"saturday", admin, "2026-01-10T10:00:00Z", false, office},
		{"friday before clocks go forward", admin, "2026-03-27T07:00:00Z", true, office},
		{"monday after clocks went forward", admin, "2026-03-30T06:00:00Z", true, office},
		{"monday after, old hour of the end", admin, "2026-03-30T16:30:00Z", false, office},
		{"monday after clocks went back", admin, "2026-10-26T16:59:00Z", true, office},
		{"friday holiday", admin, "2026-12-25T10:00:00Z", false, office},
		{"holiday of the place, not of UTC", in(dev, "X"), "2026-12-24T23:00:00Z", false, "any hour except holidays"},
		{"day after", in(dev, "X"), "2026-12-26T23:00:00Z", true, "any hour except holidays"},
		{"same instant in another zone", admin, "2026-01-12T16:00:00+09:00", true, office},

		// 2026-03-29, 01:00Z: 02:00 becomes 03:00.
		{"spring, before the gap", in(prod, "Night"), "2026-03-29T00:30:00Z", true, "night"},
		{"spring, first instant after the gap", in(prod, "Night"), "2026-03-29T01:00:00Z", true, "night"},
		{"spring, end is 03:30 summer time", in(prod, "Night"), "2026-03-29T01:30:00Z", false, "night"},
		{"spring, a skipped hour: before", in(prod, "Small"), "2026-03-29T00:59:59Z", false, "small hours"},
		{"spring, a skipped hour: after", in(prod, "Small"), "2026-03-29T01:00:00Z", false, "small hours"},
		// 2026-10-25, 01:00Z: 03:00 becomes 02:00.
		{"autumn, doubled hour, first time", in(prod, "Small"), "2026-10-25T00:30:00Z", true, "small hours"},
		{"autumn, doubled hour, second time", in(prod, "Small"), "2026-10-25T01:30:00Z", true, "small hours"},
		{"autumn, after", in(prod, "Small"), "2026-10-25T02:00:00Z", false, "small hours"},

		{"31 March is the last day, though the month is an hour short", in(prod, "LastDay"), "2026-03-31T10:00:00Z", true, "last day"},
		{"30 March is not", in(prod, "LastDay"), "2026-03-30T10:00:00Z", false, "last day"},
		{"29 February in a leap year", in(prod, "LastDay"), "2028-02-29T10:00:00Z", true, "last day"},
		{"28 February in a leap year", in(prod, "LastDay"), "2028-02-28T10:00:00Z", false, "last day"},

		{"by name of the account, wildcard", in(eu, "Admin"), "2026-01-10T10:00:00Z", false, office},
		{"role with a suffix", in(eu, "AdminReadOnly"), "2026-01-12T10:00:00Z", true, office},
		{"role that no entry names", in(eu, "ReadOnly"), "2026-01-10T10:00:00Z", true, ""},
		{"account that no entry names", in("444444444444", "Admin"), "2026-01-10T10:00:00Z", true, ""},
		{"person decides before the role", in(prod, "Admin", "x@y", "eve@partner.example"), "2026-01-10T06:00:00Z", true, "mornings, evenings"},
		{"second interval, its own zone", in(prod, "Admin", "eve@partner.example"), "2026-01-11T04:59:59Z", true, "mornings, evenings"},
		{"midnight ends the day", in(prod, "Admin", "eve@partner.example"), "2026-01-11T05:00:00Z", false, "mornings, evenings"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, tc.at)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // the memo must not change the answer
				if ok, names := p.WithinHours(tc.scope, at); ok != tc.want || names != tc.names {
					t.Fatalf("got %t %q, want %t %q", ok, names, tc.want, tc.names)
				}
			}
		})
	}
}

func TestMaxSession(t *testing.T) {
	p := mustParse(t, `
accounts: {prod: "111111111111"}
max_session:
  - {accounts: [prod], roles: [Admin*], people: [Ada@Example.com], limit: 8h}
  - {accounts: [prod], roles: [Admin*], limit: 4h}
  - {accounts: ["1111*"], limit: 1d}
`)
	for _, tc := range []struct {
		name  string
		scope policy.Scope
		want  time.Duration
	}{
		{"person", policy.Scope{Account: "111111111111", Role: "Admin", People: []string{"ada@example.com"}}, 8 * time.Hour},
		{"others", policy.Scope{Account: "111111111111", Role: "Admin", People: []string{"bob"}}, 4 * time.Hour},
		{"nobody known", policy.Scope{Account: "111111111111", Role: "Admin"}, 4 * time.Hour},
		{"digits with a wildcard", policy.Scope{Account: "111122223333", Role: "Admin"}, 24 * time.Hour},
		{"default", policy.Scope{Account: "222222222222", Role: "Admin"}, 12 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := p.MaxSession(tc.scope); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestBreakGlass(t *testing.T) {
	p := mustParse(t, "break_glass: [{roles: ['BreakGlass*'], accounts: ['1*'], waives: [no_grant]}, {roles: [Root]}]")
	if b := p.BreakGlass(policy.Scope{Account: "111111111111", Role: "BreakGlass2"}); b == nil || len(b.Waives) != 1 || b.Waives[0] != "no_grant" {
		t.Errorf("got %v", b)
	}
	if b := p.BreakGlass(policy.Scope{Account: "222222222222", Role: "Root"}); b == nil || len(b.Waives) != 0 {
		t.Errorf("got %v", b)
	}
	for _, s := range []policy.Scope{{Account: "222222222222", Role: "BreakGlass"}, {Account: "111111111111", Role: "breakglass"}, {}} {
		if b := p.BreakGlass(s); b != nil {
			t.Errorf("%v is break-glass", s)
		}
	}
}
