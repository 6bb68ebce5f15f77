package correlate

import (
	"slices"
	"testing"
	"time"

	"jitaudit/schemas"
)

func TestMissingSaysWhyAnIntervalCannotBeJudged(t *testing.T) {
	h := func(n int) time.Time { return day.Add(time.Duration(n) * time.Hour) }
	c := NewCoverage([]schemas.Coverage{
		{Shard: "okta/a", From: h(20), To: h(30)},
		{Shard: "okta/a", From: h(0), To: h(5)},
		{Shard: "okta/a", From: h(5), To: h(10)}, // touches: one interval
		{Shard: "okta/stalled", From: h(0), To: h(27)},
		{Shard: "okta/empty", From: h(3), To: h(3)},
		{Shard: "aws/1/us-east-1", From: h(0), To: h(99)},
	})
	for _, test := range []struct {
		name, shard string
		from, to    time.Time
		want        schemas.UnjudgedReason
	}{
		{"inside", "okta/a", h(1), h(9), ""},
		{"across touching intervals", "okta/a", h(4), h(6), ""},
		{"from the first instant", "okta/a", h(0), h(1), ""},
		{"to the last but one", "okta/a", h(21), h(30).Add(-1), ""},
		{"to the end, which is not covered", "okta/a", h(21), h(30), schemas.Pending},
		{"beyond the end", "okta/a", h(21), h(31), schemas.Pending},
		{"all beyond the end", "okta/a", h(31), h(32), schemas.Pending},
		{"from the end on", "okta/a", h(30), h(30), schemas.Pending},
		{"from the end back, for what had ended before it was given", "okta/a", h(30), h(29), schemas.Pending},
		{"begins before", "okta/a", h(0).Add(-1), h(1), schemas.BeforeCoverage},
		{"all before", "okta/a", h(-2), h(-1), schemas.BeforeCoverage},
		{"ends in the gap", "okta/a", h(9), h(11), schemas.InGap},
		{"at the gap's first instant", "okta/a", h(9), h(10), schemas.InGap},
		{"begins in the gap", "okta/a", h(15), h(25), schemas.InGap},
		{"inside the gap", "okta/a", h(12), h(13), schemas.InGap},
		{"across the gap", "okta/a", h(9), h(25), schemas.InGap},
		{"stalled", "okta/stalled", h(1), h(28), schemas.InGap},
		{"stalled, but covered there", "okta/stalled", h(1), h(26), ""},
		{"nothing covered", "okta/empty", h(3), h(3), schemas.InGap},
		{"unknown shard", "okta/nowhere", h(3), h(3), schemas.InGap},
		{"another source may be ahead", "okta/a", h(29), h(40), schemas.Pending},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := c.Missing(test.shard, test.from, test.to, 2*time.Hour); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if got := c.Missing("okta/stalled", h(1), h(28), 3*time.Hour); got != schemas.Pending {
		t.Errorf("3 h behind of 3 h allowed: got %q, want pending", got)
	}
}

func TestANeedNamesOneShardOrAllOfAnAccount(t *testing.T) {
	c := NewCoverage([]schemas.Coverage{
		{Shard: "okta/a", From: day, To: at("09:00:00")}, {Shard: "okta/ab", From: day, To: at("09:00:00")},
		{Shard: "aws/1/us-east-1", From: day, To: at("09:00:00")}, {Shard: "aws/1/eu-west-1", From: day, To: at("09:00:00")},
		{Shard: "aws/11/us-east-1", From: day, To: at("09:00:00")},
	})
	for need, want := range map[string][]string{
		"okta/a": {"okta/a"}, "okta/none": {"okta/none"},
		"aws/1/*": {"aws/1/eu-west-1", "aws/1/us-east-1"}, "aws/2/*": {"aws/2/*"},
	} {
		if got := c.named(need); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", need, got, want)
		}
	}
}

func TestDistinctKeepsTheAddendumElseTheLowerHash(t *testing.T) {
	copyOf := func(hash string, addendum bool) *schemas.Fact {
		f := fact(schemas.Assumed, "e", at("09:00:00"))
		f.Hash, f.Addendum = hash, addendum
		return f
	}
	okta := copyOf("9", false)
	okta.Source = schemas.Okta
	for _, c := range []struct {
		name                  string
		facts                 []*schemas.Fact
		want                  string
		kept, duplicate, lost int
	}{
		{"alone", []*schemas.Fact{copyOf("1", false)}, "1", 1, 0, 0},
		{"equal copies", []*schemas.Fact{copyOf("1", false), copyOf("1", false), copyOf("1", false)}, "1", 1, 2, 0},
		{"lower hash", []*schemas.Fact{copyOf("2", false), copyOf("1", false)}, "1", 1, 0, 1},
		{"addendum", []*schemas.Fact{copyOf("1", false), copyOf("2", true)}, "2", 1, 0, 1},
		{"lower of two addenda", []*schemas.Fact{copyOf("3", true), copyOf("1", false), copyOf("2", true)}, "2", 1, 0, 2},
		{"a loser's copies are duplicates", []*schemas.Fact{copyOf("1", false), copyOf("2", true), copyOf("1", false), copyOf("2", true)}, "2", 1, 2, 1},
		{"two sources may use one id", []*schemas.Fact{okta, copyOf("1", false)}, "1", 2, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			kept, duplicate, lost := Distinct(c.facts)
			if len(kept) != c.kept || kept[0].Hash != c.want || duplicate != c.duplicate || lost != c.lost {
				t.Errorf("kept %d (%s), %d duplicate, %d corrected", len(kept), kept[0].Hash, duplicate, lost)
			}
		})
	}
}
