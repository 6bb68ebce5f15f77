package okta

import (
	"fmt"

	"jitaudit/ingest/intern"
	"jitaudit/ingest/jsonscan"
	"jitaudit/schemas"
)

// The fields of an event that are read (Okta System Log API, LogEvent).
const (
	fUUID = iota
	fPublished
	fEventType
	fResult
	fActorID
	fActorType
	fActorAlternateID
	fActorName
	fIP
	fUserAgent
	fSession
	fRootSession
	fCredentialType
	fTarget
	fJTI
	fIssuer
	fAudience
	fSubject
	fSignOnMode
	fFactor
	fDebugData
)

var paths = [...]string{
	fUUID:             "uuid",
	fPublished:        "published",
	fEventType:        "eventType",
	fResult:           "outcome.result",
	fActorID:          "actor.id",
	fActorType:        "actor.type",
	fActorAlternateID: "actor.alternateId",
	fActorName:        "actor.displayName",
	fIP:               "client.ipAddress",
	fUserAgent:        "client.userAgent.rawUserAgent",
	fSession:          "authenticationContext.externalSessionId",
	fRootSession:      "authenticationContext.rootSessionId",
	fCredentialType:   "authenticationContext.credentialType",
	fTarget:           "target",
	fJTI:              "debugContext.debugData.jti",
	fIssuer:           "debugContext.debugData.issuer",
	fAudience:         "debugContext.debugData.audience",
	fSubject:          "debugContext.debugData.subject",
	fSignOnMode:       "debugContext.debugData.signOnMode",
	fFactor:           "debugContext.debugData.factor",
	fDebugData:        "debugContext.debugData",
}

var fields = jsonscan.NewFields(paths[:]...)

// Fields are the fields that a Decoder needs; give them to the reader, so that
// they are found while it splits.
func Fields() *jsonscan.Fields { return fields }

const (
	tID = iota
	tType
	tAlternateID
	tName
	tSignOnMode
	tMethod
	tVerified
)

var targetFields = jsonscan.NewFields(
	"id", "type", "alternateId", "displayName",
	"detailEntry.signOnModeType", "detailEntry.methodTypeUsed", "detailEntry.methodUsedVerifiedProperties",
)

// target is one of the things that an event is about, or its actor.
type target struct {
	id, kind, alternateID, name string
	signOnMode, method          string
	verified                    []byte
}

func (t target) identity() schemas.Identity {
	return schemas.Identity{OktaUserID: known(t.id), Login: known(t.alternateID), Name: t.name}
}

// named reports whether it names a user at all.
func (t target) named() bool { return known(t.id) != "" || known(t.alternateID) != "" }

func (t target) asActor() schemas.Actor {
	return schemas.Actor{ID: t.id, Type: t.kind, AlternateID: t.alternateID, Name: t.name}
}

// label is what a person calls it: of an application what an administrator named
// it, which is its alternateId; most other things have a displayName only.
func (t target) label() string {
	if label := known(t.alternateID); t.kind == "AppInstance" && label != "" || known(t.name) == "" {
		return label
	}
	return t.name
}

// targets are the first target of each type; their order is not fixed.
type targets struct{ user, group, app, appUser, enrollment target }

func (d *Decoder) readTargets() targets {
	var all targets
	d.eachTarget(&d.targets, targetFields, func(v *jsonscan.Values) { all.add(v, &d.names) })
	return all
}

// eachTarget reads the fields of each target, of which the first are those of
// targetFields up to tName.
func (d *Decoder) eachTarget(doc *jsonscan.Document, f *jsonscan.Fields, fn func(*jsonscan.Values)) {
	switch k := d.v.Kind(fTarget); k {
	case jsonscan.Missing, jsonscan.Null:
		return
	case jsonscan.Array:
	default:
		d.fail(fmt.Errorf("target is %s where Okta writes an array; mend or remove the record", k))
		return
	}
	d.fail(doc.Elements(d.v.Raw(fTarget), f, func(k jsonscan.Kind, v *jsonscan.Values) error {
		if k == jsonscan.Null {
			return nil
		}
		if k != jsonscan.Object {
			return fmt.Errorf("a target is %s where Okta writes an object; mend or remove the record", k)
		}
		for slot, name := range [...]string{tID: "id", tType: "type", tAlternateID: "alternateId", tName: "displayName"} {
			if k := v.Kind(slot); k > jsonscan.Null && k != jsonscan.String {
				return fmt.Errorf("a target's %s is %s where Okta writes a string; mend or remove the record", name, k)
			}
		}
		fn(v)
		return nil
	}))
}

func (all *targets) add(v *jsonscan.Values, names *intern.Strings) {
	var to *target
	switch string(v.Bytes(tType)) {
	case "User":
		to = &all.user
	case "UserGroup":
		to = &all.group
	case "AppInstance":
		to = &all.app
	case "AppUser":
		to = &all.appUser
	case "AuthenticatorEnrollment":
		to = &all.enrollment
	default:
		return
	}
	if to.kind != "" {
		return
	}
	text := func(slot int) string { return names.Get(v.Bytes(slot)) }
	*to = target{
		id: text(tID), kind: text(tType), alternateID: text(tAlternateID), name: text(tName),
		signOnMode: text(tSignOnMode), method: text(tMethod),
		verified: append([]byte(nil), v.Raw(tVerified)...),
	}
}

func (d *Decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}
