package scan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate"
	"jitaudit/correlate/identity"
	"jitaudit/correlate/policy"
	"jitaudit/ingest"
	"jitaudit/ingest/records"
	"jitaudit/internal/organisation"
	"jitaudit/schemas"
)

// smallHistory is a history that every test here can go over quickly.
func smallHistory(t testing.TB, seed uint64) *organisation.History {
	t.Helper()
	h, err := organisation.Generate(organisation.Config{Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// text is all that comes out of a scan, as it leaves the program.
func (e *Everything) text(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	for i := range e.Results {
		r := &e.Results[i]
		for _, v := range []any{r.Person, r.Grants, r.Assumptions, r.Sessions, r.Activity, r.Findings} {
			line, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
	}
	for _, v := range []any{e.DeadLetters, e.Coverage, e.Ledgers, e.Facts, e.People, e.First, e.Last} {
		line, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.String()
}

func (e *Everything) activity() (all []schemas.ActivityCounts) {
	for i := range e.Results {
		all = append(all, e.Results[i].Activity...)
	}
	return all
}

func scanAll(t testing.TB, files []file, opts Options) *Everything {
	t.Helper()
	files = slices.Clone(files)
	sortFiles(files)
	all := &Everything{}
	var err error
	if all.Summary, err = run(t.Context(), files, opts, all); err != nil {
		t.Fatal(err)
	}
	return all
}

// reference does the same in the plainest way: all facts in memory, nothing
// folded, one person after another.
func reference(t testing.TB, files []file, opts Options, coverage []schemas.Coverage) *Everything {
	t.Helper()
	facts := decodeAll(t, files)
	kept, _, _ := correlate.Distinct(facts)
	b := identity.NewBuilder(opts.Policies)
	for _, f := range facts {
		b.Observe(f)
	}
	d := b.Directory()
	people := map[string]*correlate.Input{}
	give := func(who schemas.Person, f *schemas.Fact) {
		in := people[who.Key]
		if in == nil {
			in = &correlate.Input{Person: who, Policies: opts.Policies, Coverage: correlate.NewCoverage(coverage)}
			in.GoesBy = func(name string, at time.Time) bool { return d.GoesBy(who.Key, name, at) }
			people[who.Key] = in
		}
		if who.Name < in.Person.Name {
			in.Person.Name = who.Name
		}
		in.Facts = append(in.Facts, f)
	}
	var shared []*schemas.Fact
	for _, f := range kept {
		by, called := madeBy(d, opts.Policies, f)
		who, ok := d.OwnerOf(f)
		switch {
		case f.Kind == schemas.Acted:
			ok = false
		case f.Kind.Shared():
			shared = append(shared, f)
		}
		switch {
		case ok && called && who.Key == by.Key, ok && f.Call != nil && !f.Counts():
			give(who, f)
			continue
		case ok:
			g := *f
			g.Call = nil // it is not theirs
			give(who, &g)
		}
		if called {
			g := schemas.Fact{ID: f.ID, Kind: schemas.Acted, Source: f.Source, Shard: f.Shard, At: f.At, Hash: f.Hash, Addendum: f.Addendum, Call: f.Call}
			give(by, &g)
		}
	}
	for _, in := range people {
		in.Shared = shared
	}
	all := &Everything{}
	for _, in := range people {
		r := Result{Person: in.Person, Outcome: correlate.Rebuild(*in)}
		r.Activity = countOneByOne(&r, in.Facts)
		all.Results = append(all.Results, r)
	}
	slices.SortFunc(all.Results, func(a, b Result) int { return strings.Compare(a.Person.Key, b.Person.Key) })
	return all
}

// madeBy says who made a call, or of whom it is told.
func madeBy(d *identity.Directory, ps *policy.Set, f *schemas.Fact) (schemas.Person, bool) {
	if !f.Counts() {
		return schemas.Person{}, false
	}
	// A key that does not tell the call's use tells nothing of its person.
	k := correlate.KeyOf(f.Call, f.At)
	who, ok := d.ResolveCall(k.PrincipalID, k.AccessKeyID, k.CreatedAt, f.At)
	at := f.Call.CreatedAt
	if at.IsZero() {
		at = f.At
	}
	if !ok {
		who, ok = d.Orphan(k.PrincipalID, f.Call.RoleARN, at)
	}
	for _, p := range ps.All() {
		if !ok && p.EffectiveFrom.After(at) {
			who, ok = d.Orphan(k.PrincipalID, f.Call.RoleARN, p.EffectiveFrom)
		}
	}
	return who, ok
}

// countOneByOne asks for each call by itself to which session it belongs. Where
// calls with one unknown key in one quarter of an hour could belong to several, it
// is that of the first of them.
func countOneByOne(r *Result, facts []*schemas.Fact) []schemas.ActivityCounts {
	all := make([]schemas.ActivityCounts, len(r.Sessions))
	for i, s := range r.Sessions {
		all[i].Session = s.ID
	}
	first := map[correlate.UseKey]time.Time{}
	for _, f := range facts {
		if f.Counts() {
			k := correlate.KeyOf(f.Call, f.At)
			if t, ok := first[k]; !ok || f.At.Before(t) {
				first[k] = f.At
			}
		}
	}
	for _, f := range facts {
		if !f.Counts() {
			continue
		}
		k := correlate.KeyOf(f.Call, f.At)
		id, ok := r.SessionOf(&correlate.Use{UseKey: k, First: first[k]})
		i := slices.IndexFunc(r.Sessions, func(s schemas.Session) bool { return s.ID == id })
		if !ok || i < 0 {
			continue
		}
		(*counts)(&all[i]).add(f.Call)
	}
	return all
}

func decodeAll(t testing.TB, files []file) (facts []*schemas.Fact) {
	t.Helper()
	for i := range files {
		f := &files[i]
		c := &collector{}
		c.begin(i, f)
		err := c.reader.Read(bytes.NewReader(f.data), records.Options{Source: f.source, Fields: f.fields()},
			func(rec ingest.Record) error {
				relevant, err := c.decode(rec)
				if err == nil && relevant {
					facts = append(facts, cloned(t, &c.fact))
				}
				return nil
			},
			func(schemas.DeadLetter) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	return facts
}

// cloned copies a fact with its payload, which belongs to the decoder.
func cloned(t testing.TB, f *schemas.Fact) *schemas.Fact {
	t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var out schemas.Fact
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestScanAgreesWithThePlainestWay(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			h := smallHistory(t, seed)
			files, opts := inMemory(h), madeUp(t, h)
			got := scanAll(t, files, opts)
			want := reference(t, files, opts, got.Coverage)
			for _, d := range []string{
				cmp.Diff(want.Sessions(), got.Sessions()), cmp.Diff(want.Findings(), got.Findings()),
				cmp.Diff(want.Assumptions(), got.Assumptions()), cmp.Diff(want.Grants(), got.Grants()),
				cmp.Diff(want.activity(), got.activity()),
			} {
				if d != "" {
					t.Errorf("want (-) got (+):\n%s", d)
				}
			}
			if len(got.Sessions()) == 0 {
				t.Error("no sessions")
			}
		})
	}
}

func TestLedgerAgreesWithDistinct(t *testing.T) {
	h := smallHistory(t, 4)
	files, opts := inMemory(h), madeUp(t, h)
	files = append(files, files[1], files[2]) // deliver two files again
	got := scanAll(t, files, opts)
	facts := decodeAll(t, files)
	kept, duplicates, corrected := correlate.Distinct(facts)
	var used, dup, corr, irrelevant, read int64
	for _, l := range got.Ledgers {
		if !l.Balanced() {
			t.Errorf("%+v does not balance", l)
		}
		used, dup, corr = used+l.Used, dup+l.Duplicate, corr+l.Corrected
		irrelevant, read = irrelevant+l.Irrelevant, read+l.Read
	}
	// Facts that concern nobody are irrelevant with all their copies.
	if used > int64(len(kept)) || dup > int64(duplicates) || corr > int64(corrected) || used < int64(len(kept))/2 {
		t.Errorf("used %d, duplicate %d, corrected %d; Distinct keeps %d and drops %d and %d", used, dup, corr, len(kept), duplicates, corrected)
	}
	if dup == 0 || corr == 0 {
		t.Errorf("nothing was delivered twice: %d, %d", dup, corr)
	}
	if want := int64(len(h.Okta)+len(h.CloudTrail)+len(h.Approvals)+len(h.Listings)) + int64(bytes.Count(files[1].data, []byte(`"eventVersion"`))+bytes.Count(files[2].data, []byte(`"eventVersion"`))); read != want {
		t.Errorf("read %d, want %d", read, want)
	}
	var counted int64
	for i := range got.Results {
		for _, n := range got.Results[i].Activity {
			counted += int64(n.Calls)
		}
	}
	calls := 0
	for _, f := range kept {
		if f.Kind == schemas.Acted {
			calls++
		}
	}
	if counted == 0 || counted > int64(calls) {
		t.Errorf("counted %d calls of %d distinct ones", counted, calls)
	}
}

func TestNothingButTheEventsMatters(t *testing.T) {
	h := smallHistory(t, 5)
	c := chaos{rand.New(rand.NewPCG(11, 13))}
	for _, logs := range []struct {
		name  string
		files []file
		opts  Options
	}{
		{"made up", inMemory(h), madeUp(t, h)},
		{"chaos", c.files(t, 4), Options{Policies: chaosPolicies(t)}},
	} {
		files, opts := logs.files, logs.opts
		files = append(files, file{source: schemas.CloudTrail, name: "trail-z", data: []byte("{\"eventTime\":1}\n[]\nnonsense\n")})
		want := scanAll(t, files, opts).text(t)
		for _, variant := range []struct {
			name    string
			workers int
			memory  int64
			reverse bool
		}{
			{"one worker", 1, 0, false},
			{"many workers", 7, 0, false},
			{"all on disk", 2, 1, false},
			{"other order", 3, 100 << 10, true},
		} {
			t.Run(logs.name+", "+variant.name, func(t *testing.T) {
				opts, files := opts, slices.Clone(files)
				opts.Workers, opts.Memory, opts.TempDir = variant.workers, variant.memory, t.TempDir()
				if variant.reverse {
					slices.Reverse(files)
				}
				if d := cmp.Diff(want, scanAll(t, files, opts).text(t)); d != "" {
					t.Errorf("want (-) got (+):\n%s", d)
				}
			})
		}
	}
}
