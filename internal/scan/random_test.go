package scan

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"jitaudit/schemas"
)

// TestChaosIsJudgedAsInThePlainestWay covers what no made-up organisation has:
// ids that are none, instants between seconds, calls without a beginning,
// services in great number, people who share principals, roles that lead to each
// other, deeds by anybody.
func TestChaosIsJudgedAsInThePlainestWay(t *testing.T) {
	rounds := 150
	if testing.Short() {
		rounds = 25
	}
	policies := chaosPolicies(t)
	sessions, rules, facts := 0, map[string]int{}, map[schemas.FactKind]int64{}
	for round := range rounds {
		c := chaos{rand.New(rand.NewPCG(uint64(round), 7))}
		opts := Options{Policies: policies, Workers: 1 + round%3}
		if round%2 == 0 {
			opts.Complete = []Complete{{From: at("2026-03-01"), To: at("2026-04-01")}}
		}
		if round%4 == 0 {
			opts.Memory, opts.TempDir = 1, t.TempDir()
		}
		files := c.files(t, 1)
		got := scanAll(t, files, opts)
		want := reference(t, files, opts, got.Coverage)
		sessions += len(got.Sessions())
		for _, f := range got.Findings() {
			rules[f.Rule]++
		}
		for kind, n := range got.Facts {
			facts[kind] += n
		}
		for _, d := range []string{
			cmp.Diff(want.Sessions(), got.Sessions()), cmp.Diff(want.Findings(), got.Findings()),
			cmp.Diff(want.Assumptions(), got.Assumptions()), cmp.Diff(want.Grants(), got.Grants()),
			cmp.Diff(want.activity(), got.activity()),
		} {
			if d != "" {
				t.Fatalf("round %d: want (-) got (+):\n%s", round, d)
			}
		}
		for _, l := range got.Ledgers {
			if !l.Balanced() || l.Dead != 0 || l.Used == 0 {
				t.Fatalf("round %d: ledger %+v, dead letters %+v", round, l, got.DeadLetters)
			}
		}
	}
	if sessions < rounds {
		t.Errorf("only %d sessions in %d rounds", sessions, rounds)
	}
	for _, kind := range kinds {
		if facts[kind] == 0 {
			t.Errorf("no fact %s in %d rounds", kind, rounds)
		}
	}
	for _, rule := range []string{"chained_role", "credential_created", "trust_changed", "log_tampered", "static_credential", "web_identity", "orphan_activity"} {
		if rules[rule] == 0 {
			t.Errorf("no finding of %s in %d rounds", rule, rounds)
		}
	}
}

// kinds are all that a scan reads.
var kinds = []schemas.FactKind{
	schemas.GroupAdded, schemas.GroupRemoved, schemas.MemberObserved, schemas.SnapshotComplete, schemas.SignedOn, schemas.SecondFactor,
	schemas.Assumed, schemas.AssumeFailed, schemas.PortalUsed, schemas.Acted, schemas.AppAssigned, schemas.AppUnassigned,
	schemas.AccountAssigned, schemas.AccountUnassigned, schemas.Requested, schemas.ConditionSet, schemas.Renamed, schemas.Deactivated,
	schemas.Chained, schemas.Minted, schemas.CredentialCreated, schemas.TrustChanged, schemas.LogTampered, schemas.Entered, schemas.SessionsRevoked,
}
