package policytest

import (
	"slices"
	"strings"
	"testing"

	"jitaudit/schemas"
)

func TestAsMuchAsCanIsPaired(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fits  []string // of each wanted, a letter of each got: x fits
		pairs []int
		left  []int
	}{
		{"each its own", []string{"x.", ".x"}, []int{0, 1}, nil},
		{"the vague one first", []string{"xx", "x."}, []int{1, 0}, nil},
		{"over several", []string{"xx.", "x.x", "x.."}, []int{1, 2, 0}, nil},
		{"one too many wanted", []string{"x", "x"}, []int{0, -1}, nil},
		{"one too many got", []string{"xxx"}, []int{0}, []int{1, 2}},
		{"nothing fits", []string{".."}, []int{-1}, []int{0, 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			pairs, left := match(len(tt.fits), len(tt.fits[0]), func(w, g int) bool { return tt.fits[w][g] == 'x' })
			if !slices.Equal(pairs, tt.pairs) || !slices.Equal(left, tt.left) {
				t.Errorf("pairs %v, left %v; want %v, %v", pairs, left, tt.pairs, tt.left)
			}
		})
	}
}

func TestWhatDiffersLeastIsMeant(t *testing.T) {
	e := Expect{Findings: []Finding{{Rule: "no_mfa", Role: "Admin", Person: "ada@example.com", Severity: "low"}}}
	got := func(role, person string) schemas.Finding {
		return schemas.Finding{Rule: "no_mfa", Role: role, Person: schemas.Person{Name: person}, Severity: "high", Status: "open"}
	}
	for _, all := range [][]schemas.Finding{
		{got("Reader", "bob@example.com"), got("Admin", "ada@example.com"), got("Admin", "eve@example.com")},
		{got("Admin", "ada@example.com"), got("Reader", "bob@example.com"), got("Admin", "eve@example.com")},
	} {
		problems := e.findings(all, nil)
		if len(problems) != 3 || !strings.Contains(problems[0], "severity: expected low, got high: ") || strings.Contains(problems[0], "person") {
			t.Errorf("%q", problems)
		}
	}
}
