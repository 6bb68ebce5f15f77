package correlate

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

const group = "AWS-prod-Admin"

func TestWhatWasListedWhileTheLogShowsAChangeIsIgnored(t *testing.T) {
	first := func(rem string) interval {
		return interval{Source: schemas.ByMembership, Removed: rem, Evidence: []string{"rem"}}
	}
	for _, c := range []struct {
		name      string
		listed    string
		from, to  string
		rem       string
		believed  bool
		listedToo bool // the removal ends what was listed
	}{
		{name: "in the midst", listed: "08:30:00", from: "08:29:00", to: "08:31:00", rem: "08:30:30", believed: true},
		{name: "listed as it begins", listed: "08:29:00", from: "08:29:00", to: "08:31:00", rem: "08:30:30", believed: true},
		{name: "listed as it ends", listed: "08:31:00", from: "08:29:00", to: "08:31:00", rem: "08:30:30", believed: true},
		{name: "changed as it begins", listed: "08:30:00", from: "08:29:00", to: "08:31:00", rem: "08:29:00", believed: true},
		{name: "changed as it ends", listed: "08:30:00", from: "08:29:00", to: "08:31:00", rem: "08:31:00", believed: true},
		{name: "another listing, earlier", listed: "08:30:00", from: "01:00:00", to: "01:05:00", rem: "01:02:00"},
		{name: "another listing, later", listed: "08:30:00", from: "12:00:00", to: "12:05:00", rem: "12:02:00", listedToo: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := []interval{first(c.rem)}
			switch {
			case c.listedToo:
				want = []interval{{Source: schemas.BySnapshot, Listed: c.listed, Removed: c.rem, Evidence: []string{"l", "rem"}}}
			case !c.believed:
				want = []interval{{Source: schemas.BySnapshot, Listed: c.listed, Evidence: []string{"l"}}, first(c.rem)}
			}
			o := rebuilt(t, []*schemas.Fact{listing("l", group, at(c.listed)), removed("rem", group, at(c.rem))},
				[]*schemas.Fact{snapshot("s", group, at(c.from), at(c.to))})
			if d := cmp.Diff(want, intervals(o.Grants)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestOfADayTheFirstAndTheLastListingCount(t *testing.T) {
	for _, c := range []struct {
		name          string
		facts, shared []*schemas.Fact
		want          []interval
	}{
		{
			name:   "the first was taken during a change: the last",
			facts:  []*schemas.Fact{removed("rem", group, at("03:00:30")), listing("l1", group, at("03:00:00")), listing("l2", group, at("05:00:00")), listing("l3", group, at("09:00:00"))},
			shared: []*schemas.Fact{snapshot("s", group, at("03:00:00"), at("03:01:00"))},
			want: []interval{
				{Source: schemas.BySnapshot, Listed: "09:00:00", Evidence: []string{"l3"}},
				{Source: schemas.ByMembership, Removed: "03:00:30", Evidence: []string{"rem"}},
			},
		},
		{
			name:  "a change is no listing",
			facts: []*schemas.Fact{removed("rem1", group, at("02:00:00")), listing("l", group, at("03:00:00")), removed("rem2", group, at("09:00:00"))},
			want: []interval{
				{Source: schemas.ByMembership, Removed: "02:00:00", Evidence: []string{"rem1"}},
				{Source: schemas.BySnapshot, Listed: "03:00:00", Removed: "09:00:00", Evidence: []string{"l", "rem2"}},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, intervals(rebuilt(t, c.facts, c.shared).Grants)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestWhoIsMissedWasTakenOut(t *testing.T) {
	open := interval{Source: schemas.ByMembership, Opened: "08:00:00", ApprovedUntil: "09:00:00", Evidence: []string{"add"}}
	missed := func(id, when string) interval {
		g := open
		g.Removed, g.Evidence = when, []string{"add", id}
		return g
	}
	another := snapshot("s", group, at("08:40:00"), at("08:41:00"))
	another.Snapshot.Org = "another"
	for _, c := range []struct {
		name          string
		facts, shared []*schemas.Fact
		want          []interval
	}{
		{
			name:   "not by a group of another org",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00"))},
			shared: []*schemas.Fact{another},
			want:   []interval{open},
		},
		{
			name:   "when the earliest listing began, whatever it is called",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00"))},
			shared: []*schemas.Fact{snapshot("a", group, at("08:45:00"), at("08:46:00")), snapshot("z", group, at("08:40:00"), at("08:41:00"))},
			want:   []interval{missed("z", "08:40:00")},
		},
		{
			name:   "not by a listing during which the log shows a change",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00")), added("again", group, at("08:40:30"))},
			shared: []*schemas.Fact{snapshot("s", group, at("08:40:00"), at("08:41:00"))},
			want:   []interval{{Source: schemas.ByMembership, Opened: "08:00:00", ApprovedUntil: "09:40:30", Evidence: []string{"add", "again"}}},
		},
		{
			name:   "not by a listing that began as somebody listed them",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00")), listing("l", group, at("08:40:00"))},
			shared: []*schemas.Fact{snapshot("s", group, at("08:40:00"), at("08:41:00"))},
			want:   []interval{open},
		},
		{
			name:   "not by a listing that shows them, be it days long",
			facts:  []*schemas.Fact{listing("l1", group, at("03:00:00")), listing("l2", group, day.Add(49*time.Hour))},
			shared: []*schemas.Fact{snapshot("s", group, at("23:00:00"), day.Add(49*time.Hour))},
			want:   []interval{{Source: schemas.BySnapshot, Listed: "03:00:00", Evidence: []string{"l1"}}},
		},
		{
			name:   "though they were listed again once the log shows an addition",
			facts:  []*schemas.Fact{added("add", group, at("08:00:00")), added("again", group, at("08:50:00")), listing("l", group, at("08:55:00"))},
			shared: []*schemas.Fact{snapshot("s", group, at("08:40:00"), at("08:41:00"))},
			want: []interval{
				missed("s", "08:40:00"),
				{Source: schemas.ByMembership, Opened: "08:50:00", ApprovedUntil: "09:50:00", Evidence: []string{"again"}},
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(c.want, intervals(rebuilt(t, c.facts, c.shared).Grants)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestTheOrderOfSnapshotsThatBeginTogetherChangesNothing(t *testing.T) {
	shared := []*schemas.Fact{snapshot("a", group, at("08:40:00"), at("08:41:00")), snapshot("b", group, at("08:40:00"), at("08:42:00"))}
	facts := []*schemas.Fact{added("add", group, at("08:00:00"))}
	want := bytesOf(t, records(rebuilt(t, facts, shared)))
	slices.Reverse(shared)
	if got := bytesOf(t, records(rebuilt(t, facts, shared))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestOfWhatOktaListedTheFirstAndTheLastOfEachDayAreKept(t *testing.T) {
	var s stay
	for _, hour := range []int{3, 9, 27, 33, 51, 57} {
		s.observed = append(s.observed, listing(time.Duration(hour*int(time.Hour)).String(), group, day.Add(time.Duration(hour)*time.Hour)))
	}
	var got []string
	for _, f := range s.kept() {
		got = append(got, f.ID)
	}
	if want := []string{"3h0m0s", "9h0m0s", "33h0m0s", "57h0m0s"}; !slices.Equal(got, want) {
		t.Errorf("kept %v, want %v", got, want)
	}
}
