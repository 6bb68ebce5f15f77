// Package okta turns events of the Okta System Log into facts: who was put into
// or taken out of a group or an application, what was asked for and decided, who
// signed on to a SAML application and with which factors, whose names changed,
// and who changed what all of this rests on.
package okta

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"

	"jitaudit/ingest"
	"jitaudit/ingest/intern"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/timestamp"
	"jitaudit/schemas"
)

// Decoder turns the events of one org into facts. It is not safe for concurrent
// use: have one per worker.
type Decoder struct {
	// Org is the name of the Okta org.
	Org string

	doc, targets, things, debug jsonscan.Document
	v                           *jsonscan.Values
	names                       intern.Strings
	err                         error // the first field of a wrong type in the event
	shard                       string
}

// Decode decodes one event. relevant is false for a well-formed event that
// proves nothing of interest; fact then holds the source, the shard and the time
// only, which is what coverage needs. An error is the reason of a dead letter.
func (d *Decoder) Decode(raw []byte) (fact schemas.Fact, relevant bool, err error) {
	v, err := d.doc.Parse(raw, fields)
	if err != nil {
		return fact, false, fmt.Errorf("%w; mend or remove the record", err)
	}
	relevant, err = d.decode(raw, v, &fact)
	return fact, relevant, err
}

// DecodeRecord is Decode for a record that was read with Fields.
func (d *Decoder) DecodeRecord(rec ingest.Record) (fact schemas.Fact, relevant bool, err error) {
	if rec.Values == nil {
		return d.Decode(rec.Raw)
	}
	relevant, err = d.decode(rec.Raw, rec.Values, &fact)
	return fact, relevant, err
}

var (
	errNoType = errors.New("not an Okta System Log event: no eventType; check that the file is an export of the System Log")
	errNoTime = errors.New("not an Okta System Log event: no published; check that the file is an export of the System Log")
)

func (d *Decoder) decode(raw []byte, v *jsonscan.Values, f *schemas.Fact) (relevant bool, err error) {
	d.v, d.err = v, nil
	eventType, published := d.bytes(fEventType), d.bytes(fPublished)
	switch {
	case d.err != nil:
		return false, d.err
	case len(eventType) == 0:
		return false, errNoType
	case len(published) == 0:
		return false, errNoTime
	}
	at, ok := timestamp.Parse(published)
	if !ok {
		return false, fmt.Errorf("published %.64q is no time that Okta writes; use RFC 3339 in UTC", published)
	}
	if len(d.shard) != len("okta/")+len(d.Org) || d.shard[len("okta/"):] != d.Org {
		d.shard = schemas.OktaShard(d.Org)
	}
	f.Source, f.Shard, f.At = schemas.Okta, d.shard, at
	relevant = d.read(eventType, f)
	if relevant {
		d.identify(raw, f)
	}
	if d.err != nil || !relevant {
		*f = schemas.Fact{Source: schemas.Okta, Shard: d.shard, At: at}
		return false, d.err
	}
	f.Who.Org = d.Org
	return true, nil
}

// read knows what becomes a fact (Okta event types). All other event types
// prove nothing that is judged.
func (d *Decoder) read(eventType []byte, f *schemas.Fact) bool {
	switch string(eventType) {
	case "group.user_membership.add":
		return d.succeeded() && d.groupChange(f, d.readTargets(), schemas.GroupAdded)
	case "group.user_membership.remove":
		return d.succeeded() && d.groupChange(f, d.readTargets(), schemas.GroupRemoved)
	case "user.authentication.sso":
		return d.succeeded() && d.signOn(f, d.readTargets())
	case "user.authentication.auth_via_mfa":
		return d.succeeded() && d.factor(f, d.readTargets())
	case "application.user_membership.add":
		return d.succeeded() && d.appChange(f, d.readTargets(), schemas.AppAssigned)
	case "application.user_membership.remove":
		return d.succeeded() && d.appChange(f, d.readTargets(), schemas.AppUnassigned)
	case "application.user_membership.change_username":
		return d.succeeded() && d.newUsername(f, d.readThings())
	case "user.account.update_primary_email":
		return d.succeeded() && d.newEmail(f, d.readThings())
	case "user.lifecycle.deactivate", "user.lifecycle.delete.initiated":
		return d.succeeded() && d.deactivated(f, d.readTargets())
	case "access.request.condition.create", "access.request.condition.update":
		return d.succeeded() && d.condition(f, d.readThings())
	}
	if step := governanceStep(eventType); step != "" {
		return d.succeeded() && d.governance(f, d.readThings(), step)
	}
	if step := selfServiceStep(eventType); step != "" {
		return d.succeeded() && d.selfService(f, d.readThings(), eventType, step)
	}
	if kind := deedKind(eventType); kind != "" {
		return d.succeeded() && d.deed(f, d.readThings(), eventType, kind)
	}
	return false
}

// identify sets the id and the hash of the fact.
func (d *Decoder) identify(raw []byte, f *schemas.Fact) {
	// They are in no other event, so they share one allocation.
	var buf [96]byte
	b := appendHash(buf[:0], xxhash.Sum64(raw))
	n := len(b)
	if id := d.bytes(fUUID); len(id) == 0 {
		sum := sha256.Sum256(raw)
		b = hex.AppendEncode(append(b, "sha256:"...), sum[:])
	} else {
		b = append(b, id...)
	}
	s := intern.Valid(b)
	f.Hash, f.ID = s[:n], s[n:]
}

// appendHash appends a hash in 16 hex digits.
func appendHash(b []byte, h uint64) []byte {
	var sum [8]byte
	binary.BigEndian.PutUint64(sum[:], h)
	return hex.AppendEncode(b, sum[:])
}

// succeeded reads outcome.result. The System Log writes SUCCESS, previews of
// event hooks Success.
func (d *Decoder) succeeded() bool { return bytes.EqualFold(d.bytes(fResult), []byte("SUCCESS")) }

// groupChange reads a change of a group. The actor did it; the user among the
// targets is whom it happened to. An event that names no user or no group, as
// the preview of an event hook does, proves nothing.
func (d *Decoder) groupChange(f *schemas.Fact, t targets, kind schemas.FactKind) bool {
	user, group := t.user, t.group
	if !user.named() || group.id == "" && group.name == "" {
		return false
	}
	f.Kind, f.Who = kind, user.identity()
	f.Group = &schemas.GroupChange{ID: group.id, Name: group.name, Actor: d.actor().asActor()}
	return true
}

// appChange reads a change of who an application is assigned to. Most follow from
// a group, and the actor is then Okta itself.
func (d *Decoder) appChange(f *schemas.Fact, t targets, kind schemas.FactKind) bool {
	if !t.user.named() || known(t.app.id) == "" {
		return false
	}
	f.Kind, f.Who = kind, t.user.identity()
	f.Who.NameID = known(t.appUser.alternateID)
	f.Group = &schemas.GroupChange{ID: t.app.id, Name: t.app.label(), Actor: d.actor().asActor()}
	return true
}

// signOn reads a sign-on to an application that speaks SAML. Okta cannot tell
// whether the application accepted it. A sign-on to no application, or by
// nobody, proves nothing.
func (d *Decoder) signOn(f *schemas.Fact, t targets) bool {
	if t.app.id == "" || !d.speaksSAML(t.app) {
		return false
	}
	f.Kind, f.Who = schemas.SignedOn, d.person(t)
	f.Who.NameID = known(t.appUser.alternateID)
	if f.Who.NameID == "" {
		f.Who.NameID = known(d.text(fSubject))
	}
	if f.Who.OktaUserID == "" && f.Who.Login == "" && f.Who.NameID == "" {
		return false
	}
	f.Who.AssertionID = known(d.text(fJTI))
	f.SignOn = &schemas.SignOn{
		AppID: t.app.id, AppLabel: t.app.alternateID,
		Issuer: known(d.text(fIssuer)), Audience: known(d.text(fAudience)),
		SessionID: known(d.text(fSession)), RootSessionID: known(d.text(fRootSession)),
		IP: d.text(fIP), UserAgent: d.text(fUserAgent),
	}
	return true
}

// speaksSAML tells by the application's sign-on mode. Events of 2019 do not give
// it; debugData may then still say that it was OpenID Connect.
func (d *Decoder) speaksSAML(app target) bool {
	switch strings.ToUpper(app.signOnMode) {
	case "SAML_2_0", "AWS_FEDERATED_LOGIN", "AWS_IAM_ROLE":
		return true
	case "":
		return !strings.Contains(strings.ToUpper(d.text(fSignOnMode)), "OPENID")
	}
	return false
}

// factor reads a verified authenticator. One that is not named anywhere proves
// nothing: on Identity Engine it may be the password.
func (d *Decoder) factor(f *schemas.Fact, t targets) bool {
	class, name := d.classify(t.enrollment)
	f.Kind, f.Who = schemas.SecondFactor, d.person(t)
	if name == "" || f.Who.OktaUserID == "" && f.Who.Login == "" {
		return false
	}
	f.Factor = &schemas.Factor{
		Class: class, Name: name,
		UserVerified: bytes.Contains(t.enrollment.verified, []byte("USER_VERIFICATION")),
		SessionID:    known(d.text(fSession)), RootSessionID: known(d.text(fRootSession)),
	}
	return true
}

// person is who signs on: the actor, or the user among the targets where the
// actor is null or a machine.
func (d *Decoder) person(t targets) schemas.Identity {
	if actor := d.actor(); actor.kind == "User" || actor.kind == "" && actor.id != "" {
		return actor.identity()
	}
	return t.user.identity()
}

func (d *Decoder) actor() target {
	return target{
		id: d.text(fActorID), kind: d.text(fActorType),
		alternateID: d.text(fActorAlternateID), name: d.text(fActorName),
	}
}

// text reads a field that must be a string, if it is there.
func (d *Decoder) text(slot int) string { return d.names.Get(d.bytes(slot)) }

// bytes is text as it stands in the record.
func (d *Decoder) bytes(slot int) []byte {
	if k := d.v.Kind(slot); k > jsonscan.Null && k != jsonscan.String && d.err == nil {
		d.err = fmt.Errorf("%s is %s where Okta writes a string; mend or remove the record", paths[slot], k)
	}
	return d.v.Bytes(slot)
}

// known empties what Okta writes for a value that it does not have.
func known(s string) string {
	if s == "unknown" || s == "null" {
		return ""
	}
	return s
}
