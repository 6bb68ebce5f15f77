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
		t.Errorf("docs/rules.md is not what the rule files say; run go test ./correlate/rules -update:\n%s", d)
	}
}

func page() []byte {
	var b bytes.Buffer
	b.WriteString(`# The rules

Made from the rule files in ` + "`correlate/rules`" + `; change it there. [correlation.md](correlation.md) explains the words and bounds. Severities are those that a policy may change (` + "`severity`, `severity_overrides`" + `). "Needs" is what must be [covered](correlation.md#coverage) before the rule speaks: a rule that says that something is missing is silent where the log is not known to be complete.

| rule | severity | what is wrong | judges |
|---|---|---|---|
`)
	for _, r := range All() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", r.Name, r.Name, r.Severity, r.Title, r.judges())
	}
	for _, r := range All() {
		fmt.Fprintf(&b, "\n## %s\n%s (%s)\n\n", r.Name, upper(r.Title), strings.Join(r.traits(), ", "))
		fmt.Fprintf(&b, "- **Fires when** %s\n- **Needs** %s\n- **To know** %s\n", r.Fires, r.Needs, r.Notes)
		fmt.Fprintf(&b, "- **Controls** %s\n", strings.Join(r.Controls, ", "))
		if len(r.Attack) > 0 {
			fmt.Fprintf(&b, "- **ATT&CK** %s\n", strings.Join(r.Attack, ", "))
		}
	}
	return b.Bytes()
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// judges is what the rule looks at.
func (r *Rule) judges() string {
	switch {
	case r.Assumption != nil:
		return "each assumption; once per session"
	case r.Session != nil:
		return "the session"
	case r.Grant != nil:
		return "the grant"
	}
	return "what a person did"
}

func (r *Rule) traits() []string {
	out := []string{string(r.Severity)}
	if r.AnyProvider {
		out = append(out, "judged whatever the SAML provider")
	}
	if r.Advisory && r.Grant == nil {
		out = append(out, "advisory: the verdict stays")
	}
	if r.NotKnowing {
		out = append(out, "says what is not known")
	}
	return out
}
