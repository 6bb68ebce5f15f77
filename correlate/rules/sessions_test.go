package rules

import (
	"fmt"
	"testing"
	"time"

	"jitaudit/schemas"
)

func onward(id, account, role string, after time.Duration) *schemas.Fact {
	return &schemas.Fact{ID: id, Kind: schemas.Chained, At: noon.Add(after), Chain: &schemas.Chain{Account: account, Role: role}}
}

func made(id, action, object string, after time.Duration) *schemas.Fact {
	return &schemas.Fact{ID: id, Kind: schemas.CredentialCreated, At: noon.Add(after), Deed: &schemas.Deed{Action: action, Object: object, Account: "111111111111"}}
}

func TestRulesOfWhatASessionDid(t *testing.T) {
	p := testPolicy(t)
	var many []*schemas.Fact
	for i := range 7 {
		many = append(many, onward(fmt.Sprint("hop", i), "222222222222", fmt.Sprint("Role", i), time.Duration(i)*time.Minute))
	}
	key, password := made("key", "CreateAccessKey", "ci-deploy", time.Minute), made("password", "CreateLoginProfile", "legacy", 2*time.Minute)
	for _, c := range []struct {
		rule, name       string
		chained, created []*schemas.Fact
		why, evidence    string
	}{
		{"chained_role", "stayed in its role", nil, []*schemas.Fact{key}, "", ""},
		{"chained_role", "went on", []*schemas.Fact{onward("hop", "111111111111", "Deploy", time.Minute)}, nil,
			"The session of ada@example.com as Admin in prod went on into Deploy in prod, first at 2026-03-02 12:01:00Z.", "hop"},
		{"chained_role", "went on twice, recorded by both accounts",
			[]*schemas.Fact{onward("hop", "111111111111", "Deploy", 0), onward("twin", "111111111111", "Deploy", 0), onward("next", "222222222222", "Audit", time.Minute)}, nil,
			"into Deploy in prod, Audit in 222222222222, first at", "hop twin next"},
		{"chained_role", "went on into many", many, nil, "Role3 in 222222222222, Role4 in 222222222222 and 2 more, first at", "hop0 hop1 hop2 hop3 hop4 hop5 hop6"},
		{"credential_created", "none", []*schemas.Fact{onward("hop", "111111111111", "Deploy", 0)}, nil, "", ""},
		{"credential_created", "one", nil, []*schemas.Fact{key},
			"The session of ada@example.com as Admin in prod made a credential for ci-deploy at 2026-03-02 12:01:00Z (CreateAccessKey).", "key"},
		{"credential_created", "two", nil, []*schemas.Fact{key, password}, "made 2 credentials, the first for ci-deploy at 2026-03-02 12:01:00Z (CreateAccessKey).", "key password"},
		{"credential_created", "for whom is not said", nil, []*schemas.Fact{made("key", "CreateAccessKey", "", 0)}, "for somebody unnamed at", "key"},
	} {
		t.Run(c.rule+"/"+c.name, func(t *testing.T) {
			first := honest(p, noon)
			s := &Session{
				Record: &schemas.Session{Start: noon, End: noon.Add(time.Hour)}, Person: first.Person, Policy: p, Scope: first.Scope,
				Assumptions: []*Assumption{first}, LastEvent: "assume", Chained: c.chained, Created: c.created,
			}
			r := named(t, c.rule)
			b := r.Session(s)
			check(t, b, c.why, nil, c.evidence)
			if b != nil && b.Anchor != append(c.chained, c.created...)[0] {
				t.Errorf("hangs on %s", b.Anchor.ID)
			}
		})
	}
}
