package truth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/internal/organisation"
	"jitaudit/schemas"
)

func planned() organisation.Truth {
	return organisation.Truth{
		Planted: []organisation.Planted{
			{Rule: "no_grant", Status: "open", Person: "Ada@example.com", Anchor: "e1", Evidence: []string{"e1"}, Note: "never asked"},
			{Rule: "no_mfa", Status: "open", Person: "ben@example.com", Anchor: "e2", Evidence: []string{"e2", "s2"}, Note: "password only"},
			{Rule: "outlived_grant", Status: "open", Severity: "medium", Person: "ben@example.com", Anchor: "e3", Evidence: []string{"e3"}},
		},
		NearMisses: []organisation.NearMiss{{Rule: "no_grant", Event: "e9", Note: "just in time"}},
	}
}

func finding(rule, person, anchor string, status schemas.Status, severity schemas.Severity, evidence ...string) *schemas.Finding {
	return &schemas.Finding{
		Rule: rule, Severity: severity, Status: status, Person: schemas.Person{Name: person},
		Anchor: anchor, At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Evidence: append([]string{anchor}, evidence...),
	}
}

func TestWhatWasPlantedIsFound(t *testing.T) {
	c := New(planned())
	c.Add(finding("no_grant", "ada@example.com", "e1", schemas.Open, schemas.High))
	c.Add(finding("no_mfa", "ben@example.com", "e2", schemas.Open, schemas.High, "x", "s2"))
	c.Add(finding("outlived_grant", "ben@example.com", "e3", schemas.Open, schemas.Medium))
	if !c.Right() || len(c.Differences()) > 0 {
		t.Errorf("not right: %v", c.Differences())
	}
	if got, want := c.Total().Line(), "planted=3 found=3 missed=0 false=0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDifferencesAreNamed(t *testing.T) {
	for _, c := range []struct {
		name string
		add  *schemas.Finding
		want []string // what some difference says
	}{
		{"another person", finding("no_grant", "eve", "e1", schemas.Open, schemas.High), []string{"missed: no_grant", "false: no_grant"}},
		{"another anchor", finding("no_grant", "ada@example.com", "e7", schemas.Open, schemas.High), []string{"missed: no_grant", "on event e7"}},
		{"less evidence", finding("no_mfa", "ben@example.com", "e2", schemas.Open, schemas.High), []string{"without the evidence s2"}},
		{"another status", finding("no_grant", "ada@example.com", "e1", schemas.Resolved, schemas.High), []string{"found, but resolved"}},
		{"another severity", finding("outlived_grant", "ben@example.com", "e3", schemas.Open, schemas.High), []string{"found, but as high"}},
		{"a near miss", finding("no_grant", "cid", "e9", schemas.Open, schemas.High), []string{"a near miss: just in time"}},
		{"a rule nobody planted", finding("break_glass", "cid", "e8", schemas.Open, schemas.High), []string{"false: break_glass"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := New(planned())
			check.Add(c.add)
			all := strings.Join(check.Differences(), "\n")
			for _, want := range c.want {
				if !strings.Contains(all, want) {
					t.Errorf("lacks %q:\n%s", want, all)
				}
			}
			if total := check.Total(); check.Right() || total.False != 1 || total.Missed != 3 {
				t.Errorf("total %+v", total)
			}
		})
	}
}

func TestAFindingCountsOnce(t *testing.T) {
	c := New(planned())
	for range 2 {
		c.Add(finding("no_grant", "ada@example.com", "e1", schemas.Open, schemas.High))
	}
	want := []Count{
		{Rule: "no_grant", Planted: 1, Found: 1, False: 1},
		{Rule: "no_mfa", Planted: 1, Missed: 1},
		{Rule: "outlived_grant", Planted: 1, Missed: 1},
	}
	if d := cmp.Diff(want, c.Rules()); d != "" {
		t.Errorf("want (-) got (+):\n%s", d)
	}
}

func TestDescriptionsAreBounded(t *testing.T) {
	c := New(organisation.Truth{})
	for range shownWrong + 5 {
		c.Add(finding("no_grant", "ada@example.com", "e1", schemas.Open, schemas.High))
	}
	all := c.Differences()
	if last := all[len(all)-1]; len(all) != shownWrong+1 || last != "and 5 false findings more" {
		t.Errorf("%d descriptions, the last one %q", len(all), last)
	}
}

func TestReadSaysWhichFileAndWhatItShouldBe(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.json")
	if err := os.WriteFile(bad, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{bad, filepath.Join(dir, "missing.json")} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
