package okta_test

import (
	"strings"
	"testing"

	"jitaudit/schemas"
)

// changing is a target with changeDetails.
func changing(target, change string) string {
	return strings.Replace(target, `"detailEntry":null`, `"changeDetails":`+change+`,"detailEntry":null`, 1)
}

func TestUserNamesInApplications(t *testing.T) {
	named := func(before, after string) schemas.Fact {
		return proof(schemas.Renamed, whoAda, func(f *schemas.Fact) { f.Rename = &schemas.Rename{Old: before, New: after} })
	}
	for _, tc := range []struct {
		name string
		as   string
		want schemas.Fact
	}{
		{"new name only", adaInApp, named("", "ada.saml@example.com")},
		{"old name under its key", changing(adaInApp, `{"from":{"userName":"ada.old@example.com"},"to":{"userName":"ada.saml@example.com"}}`), named("ada.old@example.com", "ada.saml@example.com")},
		{"old name by itself", changing(adaInApp, `{"from":"ada.old@example.com","to":"ada.saml@example.com"}`), named("ada.old@example.com", "ada.saml@example.com")},
		{"old name null", changing(adaInApp, `{"from":null,"to":{}}`), named("", "ada.saml@example.com")},
		{"case only", changing(adaInApp, `{"from":{"userName":"Ada.SAML@example.com"}}`), named("", "ada.saml@example.com")},
	} {
		for _, targets := range [][]string{{tc.as, awsApp, ada}, {ada, tc.as}} {
			proves(t, tc.name, envelope{eventType: "application.user_membership.change_username", actor: bob, targets: targets}, tc.want)
		}
	}
	provesNothing(t, "no user", envelope{eventType: "application.user_membership.change_username", actor: bob, targets: []string{adaInApp, awsApp}})
	provesNothing(t, "no name", envelope{eventType: "application.user_membership.change_username", actor: bob, targets: []string{ada, strings.Replace(adaInApp, "ada.saml@example.com", "unknown", 1)}})
}

func TestEmails(t *testing.T) {
	moved := func(who schemas.Identity, before, after string) schemas.Fact {
		return proof(schemas.Renamed, who, func(f *schemas.Fact) { f.Rename = &schemas.Rename{Old: before, New: after} })
	}
	const change = `{"from":{"email":"ada@example.com"},"to":{"email":"ada.example@example.com"}}`
	nameless := strings.NewReplacer("00u1ada0000000001d7", "unknown", "ada@example.com", "unknown").Replace(ada)
	for _, tc := range []struct {
		name    string
		actor   string
		targets []string
		want    schemas.Fact
	}{
		{"both", system, []string{changing(ada, change)}, moved(whoAda, "ada@example.com", "ada.example@example.com")},
		{"by herself", ada, []string{changing(ada, change)}, moved(whoAda, "ada@example.com", "ada.example@example.com")},
		{"nothing but the user", bob, []string{awsApp, ada}, moved(whoAda, "", "ada@example.com")},
		{"under login", bob, []string{changing(ada, `{"from":{"login":"a@example.com","status":"STAGED"},"to":{"login":"b@example.com","status":"ACTIVE"}}`)}, moved(whoAda, "a@example.com", "b@example.com")},
		{"email before login", bob, []string{changing(ada, `{"from":{"login":"l1","email":"a@example.com"},"to":{"email":"b@example.com","login":"l2"}}`)}, moved(whoAda, "a@example.com", "b@example.com")},
		{"under a name for both", bob, []string{changing(ada, `{"from":{"primary_email":"a@example.com","userName":"a"},"to":{"primaryEmail":"b@example.com","username":"b"}}`)}, moved(whoAda, "a@example.com", "b@example.com")},
		{"the one string of another key", bob, []string{changing(ada, `{"from":{"address":"a@example.com","verified":true},"to":{"address":" b@example.com "}}`)}, moved(whoAda, "a@example.com", "b@example.com")},
		{"several strings of other keys", bob, []string{changing(ada, `{"from":{"x":"a@example.com","y":"z"},"to":{"x":"b@example.com","y":"z"}}`)}, moved(whoAda, "", "ada@example.com")},
		{"values as text", bob, []string{changing(ada, `{"from":"a@example.com","to":"{\"email\":\"b@example.com\"}"}`)}, moved(whoAda, "a@example.com", "b@example.com")},
		{"unknown before", bob, []string{changing(ada, `{"from":{"email":"unknown"},"to":{"email":"b@example.com"}}`)}, moved(whoAda, "", "b@example.com")},
		{"user without handles, by herself", ada, []string{changing(nameless, change)}, moved(whoAda, "ada@example.com", "ada.example@example.com")},
	} {
		proves(t, tc.name, envelope{eventType: "user.account.update_primary_email", actor: tc.actor, targets: tc.targets}, tc.want)
	}
	provesNothing(t, "a machine, for nobody", envelope{eventType: "user.account.update_primary_email", actor: system, targets: []string{changing(nameless, change)}})
	provesNothing(t, "no address", envelope{eventType: "user.account.update_primary_email", actor: ada, targets: []string{awsApp}})
}

func TestLeavers(t *testing.T) {
	for _, eventType := range []string{"user.lifecycle.deactivate", "user.lifecycle.delete.initiated"} {
		proves(t, eventType, envelope{eventType: eventType, actor: system, targets: []string{awsApp, ada}}, proof(schemas.Deactivated, whoAda, func(*schemas.Fact) {}))
		provesNothing(t, eventType, envelope{eventType: eventType, actor: ada, targets: []string{awsApp}})
	}
	for _, eventType := range []string{"user.lifecycle.suspend", "user.lifecycle.activate", "user.lifecycle.delete.completed", "user.account.update_profile"} {
		provesNothing(t, eventType, envelope{eventType: eventType, actor: bob, targets: []string{ada}})
	}
}
