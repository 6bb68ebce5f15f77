package okta_test

import (
	"strings"
	"testing"

	"jitaudit/schemas"
)

func TestApplicationAssignments(t *testing.T) {
	who := whoAda
	who.NameID = "ada.saml@example.com"
	app := func(name string, by schemas.Actor) func(*schemas.Fact) {
		return func(f *schemas.Fact) {
			f.Group = &schemas.GroupChange{ID: "0oa1awsprod00004d7", Name: name, Actor: by}
		}
	}
	unlabelled := strings.Replace(awsApp, `"AWS Production"`, `"unknown"`, 1)
	for _, tc := range []struct {
		name string
		e    envelope
		want schemas.Fact
	}{
		{"by hand", envelope{eventType: "application.user_membership.add", actor: bob, targets: []string{adaInApp, awsApp, ada}},
			proof(schemas.AppAssigned, who, app("AWS Production", byBob))},
		{"in another order, after a group", envelope{eventType: "application.user_membership.add", actor: system, targets: []string{ada, awsApp, adaInApp}},
			proof(schemas.AppAssigned, who, app("AWS Production", bySys))},
		{"taken away", envelope{eventType: "application.user_membership.remove", actor: bob, targets: []string{awsApp, ada, adaInApp}},
			proof(schemas.AppUnassigned, who, app("AWS Production", byBob))},
		{"without a user name in the application", envelope{eventType: "application.user_membership.remove", targets: []string{awsApp, ada}},
			proof(schemas.AppUnassigned, whoAda, app("AWS Production", schemas.Actor{}))},
		{"application without a label", envelope{eventType: "application.user_membership.add", actor: bob, targets: []string{unlabelled, ada}},
			proof(schemas.AppAssigned, whoAda, app("AWS Account Federation", byBob))},
	} {
		proves(t, tc.name, tc.e, tc.want)
	}
	for name, targets := range map[string][]string{
		"no user":          {adaInApp, awsApp},
		"unknown user":     {awsApp, `{"id":"unknown","type":"User","alternateId":"unknown","displayName":"unknown"}`},
		"no application":   {ada, adaInApp},
		"application null": {ada, `{"id":null,"type":"AppInstance","alternateId":"AWS Production","displayName":"AWS"}`},
	} {
		provesNothing(t, name, envelope{eventType: "application.user_membership.add", actor: bob, targets: targets})
	}
}
