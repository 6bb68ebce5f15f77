package correlate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"jitaudit/correlate/policy"
	"jitaudit/correlate/rules"
)

// policies are in force one after the other.
func policies(t *testing.T, texts ...string) *policy.Set {
	t.Helper()
	var all []*policy.Policy
	for _, text := range texts {
		all = append(all, parsePolicy(t, text).All()...)
	}
	set, err := policy.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// orphan is a use of a role of prod that nothing explains.
func orphan(principal, key string, created, first time.Time, id string) *Use {
	return &Use{
		UseKey: UseKey{PrincipalID: principal, AccessKeyID: key, CreatedAt: created}, RoleARN: "arn:aws:iam::" + account + ":role/Admin",
		First: first, FirstID: id, Last: first.Add(time.Hour), LastID: "last-" + id, Shard: "aws/" + account + "/us-east-1",
	}
}

func TestOneOrphanPerMakingOfCredentials(t *testing.T) {
	const all, other = "watched: [{accounts: ['*']}]", "watched: [{accounts: ['222222222222']}]"
	made, again := at("06:00:00"), at("06:00:01")
	told := func(principal string, created, first time.Time, id string) rules.Orphan {
		return rules.Orphan{EventID: id, At: first, PrincipalID: principal, Account: account, Role: "Admin", CreatedAt: created, Shard: "aws/" + account + "/us-east-1"}
	}
	noRole, noARN := orphan("p", "k", made, at("08:00:00"), "a"), orphan("p", "k", made, at("08:00:00"), "a")
	noRole.RoleARN, noARN.RoleARN = "arn:aws:iam::"+account+":user/ada", ""
	for _, c := range []struct {
		name, policy string
		uses         []*Use
		want         []rules.Orphan
	}{
		{"none", all, nil, nil},
		{"the earliest use tells of it", all, []*Use{
			orphan("p", "k1", made, at("09:00:00"), "a"), orphan("p", "k2", made, at("08:00:00"), "c"), orphan("p", "k3", made, at("10:00:00"), "b"),
		}, []rules.Orphan{told("p", made, at("08:00:00"), "c")}},
		{"of two at one instant that of the lower id", all, []*Use{
			orphan("p", "k1", made, at("08:00:00"), "b"), orphan("p", "k2", made, at("08:00:00"), "a"),
		}, []rules.Orphan{told("p", made, at("08:00:00"), "a")}},
		{"of one principal, made at two instants", all, []*Use{
			orphan("p", "k", made, at("08:00:00"), "a"), orphan("p", "k", again, at("08:10:00"), "b"),
			orphan("p", "k", made, at("08:20:00"), "c"), orphan("p", "k", again, at("08:30:00"), "d"),
		}, []rules.Orphan{told("p", made, at("08:00:00"), "a"), told("p", again, at("08:10:00"), "b")}},
		{"of two principals, made at one instant", all, []*Use{
			orphan("p", "k", made, at("08:00:00"), "a"), orphan("q", "k", made, at("08:10:00"), "b"),
			orphan("p", "k", made, at("08:20:00"), "c"), orphan("q", "k", made, at("08:30:00"), "d"),
		}, []rules.Orphan{told("p", made, at("08:00:00"), "a"), told("q", made, at("08:10:00"), "b")}},
		{"made nobody knows when", all, []*Use{
			orphan("p", "k", time.Time{}, at("08:00:00"), "a"), orphan("p", "k", time.Time{}, at("08:10:00"), "b"),
		}, []rules.Orphan{told("p", time.Time{}, at("08:00:00"), "a"), told("p", time.Time{}, at("08:10:00"), "b")}},
		{"a role that is not watched", other, []*Use{orphan("p", "k", made, at("08:00:00"), "a")}, nil},
		{"no role", all, []*Use{noRole, noARN}, nil},
		{"watched from later on", other + "\n---\neffective_from: 2026-03-02T08:30:00Z\n" + all, []*Use{orphan("p", "k", made, at("08:00:00"), "a")}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := &Input{Person: ada, Policies: policies(t, strings.Split(c.policy, "---\n")...)}
			for range 2 { // in either order
				if d := cmp.Diff(c.want, newLife(in, nil, &openings{}, &anchors{orphans: c.uses}).Orphans); d != "" {
					t.Error(d)
				}
				slices.Reverse(c.uses)
			}
		})
	}
}
