package policy_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/policy"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func mustParse(t testing.TB, text string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// golden compares with FILE, or rewrites it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(read(t, file)), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func files(t *testing.T, pattern string) []string {
	t.Helper()
	out, err := filepath.Glob(pattern)
	if err != nil || len(out) == 0 {
		t.Fatalf("glob %s: %v, %d files", pattern, err, len(out))
	}
	return out
}

func TestBadPolicyIsRefusedWithItsLine(t *testing.T) {
	for _, file := range files(t, "testdata/bad/*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			p, err := policy.Parse(filepath.Base(file), read(t, file))
			if err == nil || p != nil {
				t.Fatalf("got policy %v and error %v", p != nil, err)
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", []byte(err.Error()+"\n"))
		})
	}
}

func TestGoodPolicyIsPrintedWithItsDefaults(t *testing.T) {
	for _, file := range files(t, "testdata/good/*.yaml") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			p, err := policy.Parse(file, read(t, file))
			if err != nil {
				t.Fatal(err)
			}
			effective := p.Effective()
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", effective)
			again, err := policy.Parse("effective", effective)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(effective), string(again.Effective())); diff != "" {
				t.Errorf("printed twice (-first +second):\n%s", diff)
			}
		})
	}
}

func TestExampleParsesAndSaysNothingButDefaults(t *testing.T) {
	data := read(t, "../../examples/policy.yaml")
	p, err := policy.Parse("policy.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if want := mustParse(t, "bounds: {}").Bounds; p.Bounds != want {
		t.Errorf("bounds of the example: %+v, defaults: %+v", p.Bounds, want)
	}
	for _, rule := range policy.Rules() {
		if !bytes.Contains(data, []byte(rule)) {
			t.Errorf("the example does not name rule %s", rule)
		}
	}
}

func TestRulesAreThoseOfTheContract(t *testing.T) {
	contract := string(read(t, "../../docs/rules.md"))
	for _, rule := range policy.Rules() {
		if !strings.Contains(contract, "\n## "+rule+"\n") {
			t.Errorf("docs/rules.md has no rule %s", rule)
		}
	}
	if got, want := strings.Count(contract, "\n## "), len(policy.Rules()); got != want {
		t.Errorf("docs/rules.md has %d rules, Rules %d", got, want)
	}
}

func TestParseDependsOnBytesOnly(t *testing.T) {
	data := read(t, "testdata/good/full.yaml")
	a, b := mustParse(t, string(data)), mustParse(t, string(data))
	if a.Hash != b.Hash || len(a.Hash) != 64 || !strings.HasPrefix(a.Hash, a.ID()) || len(a.ID()) != 16 {
		t.Errorf("hashes %s and %s, id %s", a.Hash, b.Hash, a.ID())
	}
	if c := mustParse(t, string(data)+"\n"); c.Hash == a.Hash {
		t.Error("other bytes, same hash")
	}
	if !bytes.Equal(a.Effective(), b.Effective()) {
		t.Error("same bytes, other policy")
	}
}

func TestEveryErrorIsReportedInOrder(t *testing.T) {
	_, err := policy.Parse("p.yaml", []byte("bounds: {clock_skew: 2h}\nseverity: {no_mfa: loud}\nprovders: []\n"))
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || len(joined.Unwrap()) != 3 {
		t.Fatalf("not three errors: %v", err)
	}
	for i, e := range joined.Unwrap() {
		var at *policy.Error
		if !errors.As(e, &at) || at.Line != i+1 || at.File != "p.yaml" || strings.Contains(e.Error(), "\n") {
			t.Errorf("error %d: %v", i, e)
		}
	}
}

func TestFileOfFiveMebibytesIsRefused(t *testing.T) {
	_, err := policy.Parse("p.yaml", bytes.Repeat([]byte("# filler\n"), 5<<20/9))
	if err == nil || !strings.Contains(err.Error(), "more than 4194304") {
		t.Errorf("got %v", err)
	}
}

func TestLaughsAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("approved_hours: &a0 [x]\n")
	for i := 1; i < 12; i++ {
		b.WriteString("k" + strings.Repeat("x", i) + ": &a" + string(rune('a'+i)) + " [*a0, *a0, *a0, *a0, *a0, *a0, *a0, *a0]\n")
	}
	b.WriteString("max_session: &self [*self, *self]\n")
	if _, err := policy.Parse("p.yaml", []byte(b.String())); err == nil {
		t.Error("accepted")
	}
}
