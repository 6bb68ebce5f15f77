package rules

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/rules.md anew")

const guide = "../../docs/rules.md"

// TestTheGuideSaysWhatTheRulesSay holds docs/rules.md against the rule files, or
// writes it with -update.
func TestTheGuideSaysWhatTheRulesSay(t *testing.T) {
	want := page()
	if *update {
		if err := os.WriteFile(guide, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("docs/rules.md is not what the rule files say; run go generate ./correlate/rules:\n%s", d)
	}
}

func page() []byte {
	var b bytes.Buffer
	b.WriteString(`# The rules

All that jitaudit can find, made from the rule files in ` + "`correlate/rules`" + ` by ` + "`go generate ./correlate/rules`" + `: change it there. [correlation.md](correlation.md) explains grants, the join, coverage and the [bounds](correlation.md#bounds), whose defaults stand in brackets; words in ` + "`code`" + ` are keys of the [policy](../examples/policy.yaml).

- **Severity** is what the rule comes with. A policy may change it, everywhere (` + "`severity`" + `) or somewhere (` + "`severity_overrides`" + `).
- **Needs** is what must be [covered](correlation.md#coverage) before the rule speaks. A rule that says that something is missing is silent where a log is not known to be complete; the session then lists it under ` + "`unjudged`" + `.
- **Does not prove** is what a finding leaves open, for those who have to decide about it.
- Controls are those of SOC 2 (Trust Services Criteria), ISO/IEC 27001:2022, PCI DSS 4.0 and NIST SP 800-53 that a finding, or its absence over covered time, is evidence for; whether it suffices is for the auditor to say. Techniques are those of MITRE ATT&CK.

| rule | severity | what is wrong | judged on | rests on what is missing |
|---|---|---|---|---|
`)
	for _, r := range All() {
		absence := ""
		if !r.saysWhatIsSeen() {
			absence = "yes"
		}
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s | %s |\n", r.Name, r.Name, r.Severity, r.Title, r.judges(), absence)
	}
	for _, r := range All() {
		fmt.Fprintf(&b, "\n## %s\n%s: %s. %s\n\n", r.Name, upper(string(r.Severity)), r.Title, r.Means)
		for _, part := range []struct{ name, text string }{
			{"Fires when", r.Fires},
			{"Judged on", r.judges() + r.traits() + "."},
			{"Needs", r.Needs},
			{"Does not prove", r.Notes},
			{"What to do", r.Do},
			{"Controls", strings.Join(r.Controls, ", ")},
			{"ATT&CK", techniques(r.Attack)},
		} {
			if part.text != "" {
				fmt.Fprintf(&b, "- **%s:** %s\n", part.name, part.text)
			}
		}
	}
	return b.Bytes()
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// saysWhatIsSeen reports whether the rule claims to need no coverage.
func (r *Rule) saysWhatIsSeen() bool { return strings.HasPrefix(r.Needs, "nothing:") }

// judges is what the rule looks at.
func (r *Rule) judges() string {
	switch {
	case r.Assumption != nil:
		return "assumption"
	case r.Session != nil:
		return "session"
	case r.Grant != nil:
		return "grant"
	}
	return "person"
}

// traits are what else one has to know of how the rule is judged.
func (r *Rule) traits() (out string) {
	switch {
	case r.Assumption != nil:
		out += "; one finding for each session"
	case r.Session != nil:
		out += "; one finding for each"
	case r.Grant != nil:
		out += "; one finding for each event that opened one, whichever roles it opened"
	}
	if r.Assumption != nil && !r.AnyProvider {
		out += "; not judged where the SAML provider is not in the policy"
	}
	if r.Advisory {
		out += "; advisory, so the session's verdict stays as it is"
	}
	if r.NotKnowing {
		out += "; the session's verdict is `unknown` at best"
	}
	return out
}

// techniques are links to MITRE's pages.
func techniques(ids []string) string {
	links := make([]string, len(ids))
	for i, id := range ids {
		links[i] = fmt.Sprintf("[%s](https://attack.mitre.org/techniques/%s/)", id, strings.ReplaceAll(id, ".", "/"))
	}
	return strings.Join(links, ", ")
}
