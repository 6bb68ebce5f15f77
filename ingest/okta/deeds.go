package okta

import "jitaudit/schemas"

// deedKind tells what matters whoever did it; empty for any other event type.
func deedKind(eventType []byte) schemas.FactKind {
	switch string(eventType) {
	case "application.lifecycle.update", "application.lifecycle.deactivate", "application.lifecycle.delete",
		"application.policy.sign_on.update", "application.policy.sign_on.rule.create", "application.policy.sign_on.rule.delete",
		"policy.rule.add", "policy.rule.update", "policy.rule.delete", "policy.rule.deactivate",
		"policy.lifecycle.update", "policy.lifecycle.delete", "policy.lifecycle.deactivate",
		"app.keys.clone", "app.keys.generate", "app.keys.rotate", "app.keys.delete",
		"app.saml.sensitive.attribute.update",
		"group.user_membership.rule.invalidate", "group.user_membership.rule.deactivated", "group.user_membership.rule.add_exclusion":
		return schemas.TrustChanged
	case "system.log_stream.lifecycle.deactivate", "system.log_stream.lifecycle.delete", "system.log_stream.lifecycle.update":
		return schemas.LogTampered
	}
	return ""
}

// deed reads a change of what access or its record rests on. It concerns the
// actor; one by nobody proves nothing.
func (d *Decoder) deed(f *schemas.Fact, all things, eventType []byte, kind schemas.FactKind) bool {
	actor := d.actor()
	if !actor.named() {
		return false
	}
	what := all.object()
	f.Kind, f.Who = kind, actor.identity()
	f.Deed = &schemas.Deed{
		Action: d.names.Get(eventType), Object: what.label(), ObjectID: known(what.id), ObjectType: what.kind,
		Actor: actor.asActor(),
	}
	return true
}

// object is what was changed. An event names much that has to do with it: a rule
// its policy, a policy its application.
func (all things) object() target {
	for _, kind := range [...]string{"AppInstance", "PolicyEntity", "PolicyRule", "UserGroupRule", "LogStream"} {
		if t := all.first(kind); t.kind != "" {
			return t.target
		}
	}
	for _, t := range all {
		if t.kind != "User" {
			return t.target
		}
	}
	return target{}
}
