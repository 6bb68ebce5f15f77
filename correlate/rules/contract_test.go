package rules

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// row is a rule's line in docs/correlation.md.
var row = regexp.MustCompile("(?m)^\\| `([a-z_]+)` (★ )?\\| (info|low|medium|high|critical) \\|")

func TestRulesAreThoseOfTheContract(t *testing.T) {
	doc, err := os.ReadFile("../../docs/correlation.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range row.FindAllStringSubmatch(string(doc), -1) {
		names = append(names, m[1])
		i := slices.IndexFunc(All(), func(r Rule) bool { return r.Name == m[1] })
		if i < 0 {
			t.Errorf("%s is in the contract only", m[1])
			continue
		}
		r := All()[i]
		if r.Severity != schemas.Severity(m[3]) {
			t.Errorf("%s: severity %s, the contract says %s", r.Name, r.Severity, m[3])
		}
		if r.Grant == nil && r.AnyProvider != (m[2] != "") {
			t.Errorf("%s: judged without provider: %v, the contract says %v", r.Name, r.AnyProvider, m[2] != "")
		}
	}
	slices.Sort(names)
	if !slices.Equal(names, Names()) {
		t.Errorf("the contract has %v, the code %v", names, Names())
	}
	known := policy.Rules()
	slices.Sort(known)
	if !slices.Equal(known, Names()) {
		t.Errorf("policies know %v, the code has %v", known, Names())
	}
}

func TestEachRuleSaysWhatItIsFor(t *testing.T) {
	technique := regexp.MustCompile(`^T\d{4}(\.\d{3})?$`)
	control := regexp.MustCompile(`^(SOC 2 CC\d\.\d|ISO 27001 A\.\d+\.\d+|PCI DSS \d+\.\d+|NIST [A-Z]{2}-\d+(\(\d+\))?)$`)
	for _, r := range All() {
		judges := 0
		for _, set := range []bool{r.Assumption != nil, r.Session != nil, r.Grant != nil} {
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
