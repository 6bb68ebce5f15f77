package correlate

import (
	"cmp"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"jitaudit/correlate/policy"
	"jitaudit/schemas"
)

// sixFacts is a small history in which everything hangs together; the seventh
// makes it wrong.
func sevenFacts() []*schemas.Fact {
	a := assumed("asm", "Okta", account, "Admin", "jti-1", at("09:00:30"), time.Hour)
	return []*schemas.Fact{
		added("add", "AWS-prod-Admin", at("09:00:00")),
		removed("rem", "AWS-prod-Admin", at("10:00:00")),
		verified("mfa", "s1", schemas.FactorPush, at("09:00:10")),
		signedOn("sso", oktaApp, "jti-1", "s1", at("09:00:30.900")),
		a,
		called("call", a, at("10:30:00")),
		called("late", a, at("10:00:03")),
	}
}

func TestAnyPermutationOfSevenFactsGivesTheSameBytes(t *testing.T) {
	policies, coverage := parsePolicy(t, testPolicy), covered(day.AddDate(0, 0, -2), day.AddDate(0, 0, 2))
	facts := sevenFacts()
	want := bytesOf(t, Rebuild(Input{Person: ada, Facts: facts, Policies: policies, Coverage: coverage}))
	n := 0
	permute(facts, func(order []*schemas.Fact) {
		n++
		got := bytesOf(t, Rebuild(Input{Person: ada, Facts: order, Policies: policies, Coverage: coverage}))
		if got != want {
			t.Fatalf("order %d differs:\n%s\nwant\n%s", n, got, want)
		}
	})
	if n != 5040 {
		t.Fatalf("%d permutations, want 5040", n)
	}
}

func TestAnyPermutationOfCorrectedCopiesGivesTheSameBytes(t *testing.T) {
	policies, coverage := parsePolicy(t, testPolicy), covered(day.AddDate(0, 0, -2), day.AddDate(0, 0, 2))
	facts := sevenFacts()[:5]
	corrected := *facts[4]
	corrected.Addendum, corrected.Hash = true, "zz"
	as := *corrected.Assume
	as.Expires = as.Expires.Add(11 * time.Hour)
	corrected.Assume = &as
	facts = append(facts, &corrected, facts[4])
	in := Input{Person: ada, Facts: facts, Policies: policies, Coverage: coverage}
	want := Rebuild(in)
	if end := want.Sessions[0].End; !end.Equal(as.Expires) {
		t.Fatalf("session ends %s; the addendum says %s", end, as.Expires)
	}
	permute(facts, func(order []*schemas.Fact) {
		in.Facts = order
		if got := bytesOf(t, Rebuild(in)); got != bytesOf(t, want) {
			t.Fatalf("got\n%s", got)
		}
	})
}

func permute(facts []*schemas.Fact, visit func([]*schemas.Fact)) {
	var walk func(k int)
	walk = func(k int) {
		if k == len(facts) {
			visit(facts)
			return
		}
		for i := k; i < len(facts); i++ {
			facts[k], facts[i] = facts[i], facts[k]
			walk(k + 1)
			facts[k], facts[i] = facts[i], facts[k]
		}
	}
	walk(0)
}

func TestOrderAndRepetitionOfFactsChangeNothing(t *testing.T) {
	policies := parsePolicy(t, testPolicy)
	rapid.Check(t, func(t *rapid.T) {
		facts := copies(t, drawHistory(t, 3, 8))
		in := Input{Person: ada, Facts: facts, Policies: policies, Coverage: drawCoverage(t)}
		want := Rebuild(in)
		before := bytesOf(t, facts)
		in.Facts = shuffled(t, facts)
		in.Facts = append(in.Facts, in.Facts[:len(in.Facts)/2]...)
		got := Rebuild(in)
		if bytesOf(t, got) != bytesOf(t, want) {
			t.Fatalf("got\n%s\nwant\n%s", bytesOf(t, got), bytesOf(t, want))
		}
		if bytesOf(t, facts) != before {
			t.Fatal("Rebuild changed its input")
		}
	})
}

func TestOrderAndRepetitionOfEverythingChangeNothing(t *testing.T) {
	policies := parsePolicy(t, testPolicy)
	rapid.Check(t, func(t *rapid.T) {
		facts, shared := drawEverything(t, 3, 8)
		facts = copies(t, facts)
		in := Input{Person: ada, Facts: facts, Shared: shared, Policies: policies, Coverage: drawCoverage(t)}
		want := Rebuild(in)
		before := bytesOf(t, facts) + bytesOf(t, shared)
		in.Facts = shuffled(t, facts)
		in.Facts = append(in.Facts, in.Facts[:len(in.Facts)/2]...)
		in.Shared = append(shuffled(t, shared), shared...)
		got := Rebuild(in)
		if bytesOf(t, got) != bytesOf(t, want) {
			t.Fatalf("got\n%s\nwant\n%s", bytesOf(t, got), bytesOf(t, want))
		}
		if bytesOf(t, facts)+bytesOf(t, shared) != before {
			t.Fatal("Rebuild changed its input")
		}
	})
}

func TestFoldedCallsSayWhatSingleCallsSay(t *testing.T) {
	policies := parsePolicy(t, testPolicy)
	rapid.Check(t, func(t *rapid.T) {
		facts, shared := drawEverything(t, 3, 8)
		in := Input{Person: ada, Facts: facts, Shared: shared, Policies: policies, Coverage: drawCoverage(t)}
		want := bytesOf(t, Rebuild(in))
		var f Fold
		var rest []*schemas.Fact
		for _, x := range shuffled(t, facts) {
			if x.Counts() && x.Kind != schemas.Acted {
				f.AddFact(x) // a call that is a fact besides
			}
			if x.Kind != schemas.Acted || rapid.IntRange(0, 3).Draw(t, "single") == 0 {
				rest = append(rest, x)
				continue
			}
			f.AddFact(x)
		}
		in.Facts, in.Uses = rest, f.Uses()
		if got := bytesOf(t, Rebuild(in)); got != want {
			t.Fatalf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// neededBy says, from the facts and the contract alone, what must be covered for
// an open finding to say what it says; ok is false for rules of presence.
func neededBy(f schemas.Finding, facts map[string]*schemas.Fact) (from, to time.Time, ok bool) {
	anchor := facts[f.Anchor]
	switch f.Rule {
	case "no_grant", "outside_grant":
		return anchor.At.Add(-24 * time.Hour), anchor.At.Add(2 * time.Minute), true
	case "no_sign_on":
		back := 10 * time.Minute
		if anchor.Assume.Federation == schemas.IdentityCenter {
			back = 8 * time.Hour
		}
		return anchor.At.Add(-back), anchor.At.Add(2 * time.Second), true
	case "no_mfa":
		on := facts[f.Evidence[1]]
		return on.At.Add(-24 * time.Hour), on.At.Add(2 * time.Second), true
	case "outlived_grant":
		to := anchor.Assume.Expires
		if f.Severity == schemas.High {
			to = facts[f.Evidence[1]].At
		}
		to = to.Add(2 * time.Minute)
		return to, to, true
	case "lingering_membership":
		last := facts[f.Evidence[len(f.Evidence)-1]]
		return anchor.At, last.At.Add(time.Hour + 5*time.Minute), f.Status == schemas.Open
	}
	return from, to, false
}

func holds(spans []schemas.Coverage, from, to time.Time) bool {
	return slices.ContainsFunc(spans, func(c schemas.Coverage) bool { return !from.Before(c.From) && to.Before(c.To) })
}

func TestAbsenceIsNeverSaidOutsideCoverageAndAlwaysInside(t *testing.T) {
	policies := parsePolicy(t, testPolicy)
	rapid.Check(t, func(t *rapid.T) {
		facts := drawHistory(t, 3, 8)
		known := make(map[string]*schemas.Fact)
		for _, f := range facts {
			known[f.ID] = f
		}
		in := Input{Person: ada, Facts: facts, Policies: policies}
		in.Coverage = covered(day.AddDate(0, 0, -3), day.AddDate(0, 0, 9))
		final := Rebuild(in)

		spans := drawSpans(t)
		in.Coverage = NewCoverage(spans)
		said := byID(Rebuild(in).Findings)
		for _, f := range said {
			if from, to, absence := neededBy(f, known); absence && !holds(spans, from, to) {
				t.Fatalf("covered %v: %s needs %s to %s", spans, f.Why, from, to)
			}
		}
		// A session's first breach that can be judged is its finding, so only
		// sessions of one assumption must say the very same.
		single := make(map[string]bool)
		for _, s := range final.Sessions {
			single[s.ID] = len(s.Assumptions) == 1
		}
		for _, f := range final.Findings {
			from, to, absence := neededBy(f, known)
			if f.Rule == "outlived_grant" {
				continue // its interval begins at the grant's limit, which no finding states
			}
			if (f.Session == "" || single[f.Session]) && f.Rule != "source_gap" && (!absence || holds(spans, from, to)) && said[f.ID].Rule == "" {
				t.Fatalf("covered %v: not said, though it could be: %s", spans, f.Why)
			}
		}
	})
}

func TestFindingsOpenWithinOneStepOfCoverage(t *testing.T) {
	policies := parsePolicy(t, testPolicy)
	rapid.Check(t, func(t *rapid.T) {
		facts := withoutUnseenOpenings(policies, drawHistory(t, 2, 6))
		from := day.AddDate(0, 0, -3)
		// The whole truth: everything is covered.
		in := Input{Person: ada, Facts: facts, Policies: policies, Coverage: covered(from, day.AddDate(0, 0, 9))}
		final := byID(Rebuild(in).Findings)

		cover := day.AddDate(0, 0, -1)
		var due []Due
		previous := ""
		for !cover.After(day.AddDate(0, 0, 5)) {
			in.Coverage = covered(from, cover)
			out := Rebuild(in)
			for _, f := range out.Findings {
				if f.Rule != "source_gap" && final[f.ID].Rule == "" {
					t.Fatalf("at coverage %s: %s is open, but never true", cover, f.Why)
				}
			}
			assertNextIsExact(t, due, cover, previous, bytesOf(t, records(out)))
			due, previous = out.Next, bytesOf(t, records(out))
			cover = nextStep(t, out.Next, cover)
		}
		got := byID(Rebuild(Input{Person: ada, Facts: facts, Policies: policies, Coverage: covered(from, cover)}).Findings)
		for id, f := range final {
			if f.At.Before(cover.AddDate(0, 0, -2)) && got[id].Rule == "" {
				t.Fatalf("at coverage %s: %s is still not said: %s", cover, f.Rule, f.Why)
			}
		}
	})
}

// withoutUnseenOpenings drops removals whose addition is not in the log: such
// a removal proves a membership that no_grant could not know of before.
func withoutUnseenOpenings(ps *policy.Set, facts []*schemas.Fact) []*schemas.Fact {
	sorted, _, _ := Distinct(facts)
	for _, m := range stays(&Input{Policies: ps}, sorted, nil) {
		if len(m.adds) == 0 {
			facts = slices.DeleteFunc(facts, func(f *schemas.Fact) bool { return f == m.removal })
		}
	}
	return facts
}

// records leaves out Next, which moves with coverage.
func records(o Outcome) Outcome { o.Next, o.anchors = nil, nil; return o }

// assertNextIsExact: until coverage passes the due instant nothing changes.
func assertNextIsExact(t *rapid.T, due []Due, cover time.Time, before, after string) {
	if before == "" || before == after {
		return
	}
	for _, d := range due {
		if d.Shard == okta && cover.After(d.At) {
			return
		}
	}
	t.Fatalf("the outcome changed at coverage %s, next was %v:\n%s\n%s", cover, due, before, after)
}

// nextStep either moves on a little or to just before or after what is due.
func nextStep(t *rapid.T, due []Due, cover time.Time) time.Time {
	if len(due) > 0 && due[0].Shard == okta && due[0].At.After(cover) {
		switch rapid.IntRange(0, 2).Draw(t, "step") {
		case 0:
			return due[0].At.Add(time.Millisecond)
		case 1:
			if due[0].At.After(cover) {
				return due[0].At
			}
		}
	}
	return cover.Add(time.Duration(rapid.IntRange(1, 600).Draw(t, "minutes")) * time.Minute)
}

func byID(findings []schemas.Finding) map[string]schemas.Finding {
	m := make(map[string]schemas.Finding)
	for _, f := range findings {
		m[f.ID] = f
	}
	return m
}

func TestSealingLeavesNoTrace(t *testing.T) {
	const horizon = 7 * 24 * time.Hour
	policies := parsePolicy(t, testPolicy)
	rapid.Check(t, func(t *rapid.T) {
		facts, shared := drawEverything(t, 30, 25)
		from := day.AddDate(0, 0, -3)
		arrival := drawArrivals(t, facts)
		sealed, last := make(map[string]string), make(map[string]string)
		var held, all []*schemas.Fact
		i, cover := 0, day
		for ; !cover.After(day.AddDate(0, 0, 60)); cover = cover.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "hours")) * time.Hour) {
			for ; i < len(arrival) && !arrival[i].when.After(cover); i++ {
				held, all = append(held, arrival[i].fact), append(all, arrival[i].fact)
			}
			in := Input{Person: ada, Facts: held, Shared: knownBy(policies, shared, cover, cover.Add(-horizon)), Policies: policies, Coverage: covered(from, cover)}
			before := outcomeByID(t, Rebuild(in))
			held, _ = Seal(in, cover.Add(-horizon))
			in.Facts = held
			last = outcomeByID(t, Rebuild(in))
			for id, content := range before {
				switch {
				case sealed[id] != "":
					t.Fatalf("coverage %s: %s comes back after it was sealed", cover, id)
				case last[id] == "":
					sealed[id] = content
				case last[id] != content:
					t.Fatalf("coverage %s: sealing changed %s:\n%s", cover, id, gocmp.Diff(content, last[id]))
				}
			}
		}
		if len(all) < len(facts) {
			t.Fatalf("%d of %d facts arrived", len(all), len(facts))
		}
		maps.Copy(sealed, last)
		full := outcomeByID(t, Rebuild(Input{Person: ada, Facts: all, Shared: shared, Policies: policies, Coverage: covered(from, cover)}))
		for id := range sealed {
			if full[id] == "" {
				t.Fatalf("%s comes out only with sealing:\n%s", id, sealed[id])
			}
		}
		for id, content := range full {
			if sealed[id] != content {
				t.Fatalf("%s: with and without sealing:\n%s", id, gocmp.Diff(sealed[id], content))
			}
		}
	})
}

// knownBy are the shared facts that have been made and must still be kept.
func knownBy(ps *policy.Set, shared []*schemas.Fact, cover, line time.Time) (out []*schemas.Fact) {
	for _, f := range shared {
		until, ever := SharedUntil(ps, f)
		if !f.At.After(cover) && (ever || !until.Before(line)) {
			out = append(out, f)
		}
	}
	return out
}

type arriving struct {
	fact *schemas.Fact
	when time.Time
}

// drawArrivals delays facts by up to two days, well within the horizon.
func drawArrivals(t *rapid.T, facts []*schemas.Fact) []arriving {
	out := make([]arriving, len(facts))
	for i, f := range facts {
		out[i] = arriving{f, f.At.Add(time.Duration(rapid.IntRange(0, 48*60).Draw(t, "delay")) * time.Minute)}
	}
	slices.SortStableFunc(out, func(a, b arriving) int { return cmp.Or(a.when.Compare(b.when), cmp.Compare(a.fact.ID, b.fact.ID)) })
	return out
}

func outcomeByID(t *rapid.T, o Outcome) map[string]string {
	m := make(map[string]string)
	for _, g := range o.Grants {
		m[g.ID] = bytesOf(t, g)
	}
	for _, a := range o.Assumptions {
		m[a.ID] = bytesOf(t, a)
	}
	for _, s := range o.Sessions {
		m[s.ID] = bytesOf(t, s)
	}
	for _, f := range o.Findings {
		m[f.ID] = bytesOf(t, f)
	}
	return m
}

// drawCoverage covers all, a part, or two parts with a gap between them.
func drawCoverage(t *rapid.T) Coverage { return NewCoverage(drawSpans(t)) }

func drawSpans(t *rapid.T) []schemas.Coverage {
	from, to := day.AddDate(0, 0, -3), day.AddDate(0, 0, 6)
	instant := func(label string) time.Time {
		return day.Add(time.Duration(rapid.IntRange(-24*60, 96*60).Draw(t, label)) * time.Minute)
	}
	switch rapid.IntRange(0, 3).Draw(t, "coverage") {
	case 0:
		return []schemas.Coverage{{Shard: okta, From: from, To: to}}
	case 1:
		return []schemas.Coverage{{Shard: okta, From: from, To: instant("to")}}
	case 2:
		return []schemas.Coverage{{Shard: okta, From: instant("from"), To: to}}
	}
	gap := instant("gap")
	return []schemas.Coverage{
		{Shard: okta, From: from, To: gap},
		{Shard: okta, From: gap.Add(2 * time.Hour), To: to},
	}
}
