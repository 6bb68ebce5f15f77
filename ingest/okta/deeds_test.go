package okta_test

import (
	"testing"

	"jitaudit/schemas"
)

const (
	policy    = `{"alternateId":"unknown","detailEntry":{"policyType":"OktaSignOn"},"displayName":"Employees","id":"00p1staff0000006d7","type":"PolicyEntity"}`
	rule      = `{"alternateId":"00p1staff0000006d7","detailEntry":null,"displayName":"Second factor","id":"0pr1second000007d7","type":"PolicyRule"}`
	groupRule = `{"alternateId":"unknown","detailEntry":null,"displayName":"Engineers","id":"0pr1engineers008d7","type":"UserGroupRule"}`
	stream    = `{"alternateId":"unknown","detailEntry":null,"displayName":"to the SIEM","id":"0lo1siem00000009d7","type":"LogStream"}`
	key       = `{"alternateId":"unknown","detailEntry":null,"displayName":"signing key","id":"kid1","type":"AppKey"}`
)

// done is what Bob did.
func done(kind schemas.FactKind, action, object, id, objectType string) schemas.Fact {
	return proof(kind, whoBob, func(f *schemas.Fact) {
		f.Deed = &schemas.Deed{Action: action, Object: object, ObjectID: id, ObjectType: objectType, Actor: byBob}
	})
}

func TestDeeds(t *testing.T) {
	for _, tc := range []struct {
		kind                   schemas.FactKind
		target                 string
		object, id, objectType string
		eventTypes             []string
	}{
		{schemas.TrustChanged, awsApp, "AWS Production", "0oa1awsprod00004d7", "AppInstance", []string{
			"application.lifecycle.update", "application.lifecycle.deactivate", "application.lifecycle.delete",
			"application.policy.sign_on.update", "application.policy.sign_on.rule.create", "application.policy.sign_on.rule.delete",
			"app.keys.clone", "app.keys.generate", "app.keys.rotate", "app.keys.delete", "app.saml.sensitive.attribute.update",
		}},
		{schemas.TrustChanged, rule, "Second factor", "0pr1second000007d7", "PolicyRule", []string{
			"policy.rule.add", "policy.rule.update", "policy.rule.delete", "policy.rule.deactivate",
		}},
		{schemas.TrustChanged, policy, "Employees", "00p1staff0000006d7", "PolicyEntity", []string{
			"policy.lifecycle.update", "policy.lifecycle.delete", "policy.lifecycle.deactivate",
		}},
		{schemas.TrustChanged, groupRule, "Engineers", "0pr1engineers008d7", "UserGroupRule", []string{
			"group.user_membership.rule.invalidate", "group.user_membership.rule.deactivated", "group.user_membership.rule.add_exclusion",
		}},
		{schemas.LogTampered, stream, "to the SIEM", "0lo1siem00000009d7", "LogStream", []string{
			"system.log_stream.lifecycle.deactivate", "system.log_stream.lifecycle.delete", "system.log_stream.lifecycle.update",
		}},
	} {
		for _, eventType := range tc.eventTypes {
			proves(t, eventType, envelope{eventType: eventType, actor: bob, targets: []string{ada, tc.target}},
				done(tc.kind, eventType, tc.object, tc.id, tc.objectType))
		}
	}
	for _, eventType := range []string{
		"application.lifecycle.create", "application.lifecycle.activate", "application.policy.sign_on.deny_access", "policy.evaluate_sign_on",
		"policy.lifecycle.create", "policy.rule.activate", "group.user_membership.rule.trigger", "system.log_stream.lifecycle.activate", "system.log_stream.lifecycle.create",
	} {
		provesNothing(t, eventType, envelope{eventType: eventType, actor: bob, targets: []string{awsApp, policy, rule, stream}})
	}
}

func TestObjectsOfDeeds(t *testing.T) {
	bySystem := proof(schemas.LogTampered, schemas.Identity{Org: "example", OktaUserID: "okta.2b1959c8", Login: "system@okta.com", Name: "Okta System"}, func(f *schemas.Fact) {
		f.Deed = &schemas.Deed{Action: "system.log_stream.lifecycle.deactivate", Object: "to the SIEM", ObjectID: "0lo1siem00000009d7", ObjectType: "LogStream", Actor: bySys}
	})
	byMachine := proof(schemas.TrustChanged, schemas.Identity{Org: "example", OktaUserID: "0oa1spoke000005d7", Name: "Okta AtSpoke Connector"}, func(f *schemas.Fact) {
		f.Deed = &schemas.Deed{Action: "policy.rule.add", Object: "Second factor", ObjectID: "0pr1second000007d7", ObjectType: "PolicyRule", Actor: bySpoke}
	})
	for _, tc := range []struct {
		name string
		e    envelope
		want schemas.Fact
	}{
		{"rule before its policy", envelope{eventType: "policy.rule.update", actor: bob, targets: []string{rule, policy}},
			done(schemas.TrustChanged, "policy.rule.update", "Employees", "00p1staff0000006d7", "PolicyEntity")},
		{"rule and policy of an application", envelope{eventType: "application.policy.sign_on.rule.create", actor: bob, targets: []string{rule, policy, awsApp}},
			done(schemas.TrustChanged, "application.policy.sign_on.rule.create", "AWS Production", "0oa1awsprod00004d7", "AppInstance")},
		{"something else", envelope{eventType: "app.keys.rotate", actor: bob, targets: []string{ada, key}},
			done(schemas.TrustChanged, "app.keys.rotate", "signing key", "kid1", "AppKey")},
		{"nothing but a user", envelope{eventType: "group.user_membership.rule.add_exclusion", actor: bob, targets: []string{ada}},
			done(schemas.TrustChanged, "group.user_membership.rule.add_exclusion", "", "", "")},
		{"null targets", envelope{eventType: "policy.lifecycle.delete", actor: bob},
			done(schemas.TrustChanged, "policy.lifecycle.delete", "", "", "")},
		{"by Okta itself", envelope{eventType: "system.log_stream.lifecycle.deactivate", actor: system, targets: []string{stream}}, bySystem},
		{"by a machine", envelope{eventType: "policy.rule.add", actor: connector, targets: []string{rule}}, byMachine},
	} {
		proves(t, tc.name, tc.e, tc.want)
	}
	provesNothing(t, "by nobody", envelope{eventType: "policy.rule.update", targets: []string{rule}})
	provesNothing(t, "by one unknown", envelope{eventType: "policy.rule.update", actor: `{"id":"unknown","type":"User","alternateId":"unknown","displayName":"unknown"}`, targets: []string{rule}})
}
