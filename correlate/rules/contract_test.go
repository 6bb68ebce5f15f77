package rules

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"jitaudit/correlate/policy"
)

func TestPoliciesKnowAllRules(t *testing.T) {
	known := policy.Rules()
	slices.Sort(known)
	if !slices.Equal(known, Names()) {
		t.Errorf("policies know %v, the code has %v", known, Names())
	}
}

func TestRulesAreJudgedInOrder(t *testing.T) {
	// Source_gap looks at what the rules before it could not judge.
	order, gap := 0, false
	for _, r := range All() {
		kind := 1
		switch {
		case r.Grant != nil:
			kind = 2
		case r.Life != nil:
			kind = 3
		}
		if kind < order || kind == 1 && gap {
			t.Errorf("%s stands too late", r.Name)
		}
		order, gap = kind, gap || r.NotKnowing
	}
}

func TestOnlyRulesOfSessionsKnowOfVerdictsAndProviders(t *testing.T) {
	for _, r := range All() {
		ofSessions := r.Assumption != nil || r.Session != nil
		if !ofSessions && (r.Advisory || r.AnyProvider || r.NotKnowing) {
			t.Errorf("%s judges no session, and yet says something of its verdict or provider", r.Name)
		}
		if r.Session != nil && !r.AnyProvider {
			t.Errorf("%s judges the whole session, so that its provider plays no part", r.Name)
		}
	}
}

func TestEachRuleSaysWhatItIsFor(t *testing.T) {
	technique := regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	control := regexp.MustCompile(`^(SOC 2 CC\d\.\d|ISO 27001 A\.\d+\.\d+|PCI DSS \d+\.\d+|NIST [A-Z]{2}-\d+(\(\d+\))?)$`)
	for _, r := range All() {
		judges := 0
		for _, set := range []bool{r.Assumption != nil, r.Session != nil, r.Grant != nil, r.Life != nil} {
			if set {
				judges++
			}
		}
		if judges != 1 {
			t.Errorf("%s judges %d things, not one", r.Name, judges)
		}
		if r.Title == "" || strings.HasSuffix(r.Title, ".") {
			t.Errorf("%s: title %q", r.Name, r.Title)
		}
		for part, text := range map[string]string{"Means": r.Means, "Fires": r.Fires, "Needs": r.Needs, "Notes": r.Notes, "Do": r.Do} {
			if !strings.HasSuffix(text, ".") || strings.Contains(text, "\n") {
				t.Errorf("%s: %s %q is no sentence of one line", r.Name, part, text)
			}
		}
		if len(r.Controls) == 0 || len(r.Attack) == 0 && !r.NotKnowing {
			t.Errorf("%s: controls %v, ATT&CK %v", r.Name, r.Controls, r.Attack)
		}
		for _, c := range r.Controls {
			if !control.MatchString(c) {
				t.Errorf("%s: control %q", r.Name, c)
			}
		}
		for _, a := range r.Attack {
			if !technique.MatchString(a) {
				t.Errorf("%s: technique %q", r.Name, a)
			}
		}
	}
}
