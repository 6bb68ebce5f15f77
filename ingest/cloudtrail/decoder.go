// Package cloudtrail turns AWS CloudTrail events into facts: who assumed a role
// by SAML or got in otherwise, what was called with an assumed role and where that
// led, how the IAM Identity Center portal was used and accounts assigned, and who
// changed what all of this rests on.
package cloudtrail

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/cespare/xxhash/v2"

	"jitaudit/ingest"
	"jitaudit/ingest/intern"
	"jitaudit/ingest/jsonscan"
	"jitaudit/ingest/timestamp"
	"jitaudit/schemas"
)

// Decoder turns events into facts. It keeps strings that come again and again,
// is not safe for concurrent use (have one per worker), and ready as zero value.
type Decoder struct {
	// Bare leaves Who, Call, ID and Hash out of the fact of a call whose id is a
	// UUID: Call then says what is known of it.
	Bare bool

	doc    jsonscan.Document
	v      *jsonscan.Values
	rare   jsonscan.Document // of events whose details are read
	detail *jsonscan.Values
	text   interner
	err    error // the first field of a wrong type in the event
	last   lastShard
	bare   Bare
	call   schemas.Call
	assume schemas.Assume
	portal schemas.Portal
}

// lastShard names the shard of the last event: whole files are of one.
type lastShard struct{ account, region, name string }

// Decode decodes one event. It is slower than Decoder.Decode, but what it returns
// may be kept. relevant is false for a well-formed event that proves nothing of
// interest. An error is the reason of a dead letter.
func Decode(raw []byte) (fact schemas.Fact, relevant bool, err error) {
	var d Decoder
	relevant, err = d.Decode(raw, &fact)
	return fact, relevant, err
}

// Decode decodes one event into f. Of the payloads of f Call, Assume and Portal
// belong to the decoder and are valid until the next call: copy *f.Call, *f.Assume
// or *f.Portal to keep it. All others, and strings, may be kept. Of an irrelevant event f holds the source, the shard and
// the time only, which is what coverage needs; after an error nothing of use.
func (d *Decoder) Decode(raw []byte, f *schemas.Fact) (relevant bool, err error) {
	v, err := d.doc.Parse(raw, fields)
	if err != nil {
		return false, fmt.Errorf("%w; mend or remove the record", err)
	}
	return d.decode(raw, v, f)
}

// Call is the call that was decoded last, where its fact has no Call because of
// Bare. It is valid until the next call of Decode.
func (d *Decoder) Call() *Bare { return &d.bare }

// DecodeRecord is Decode for a record that was read with Fields.
func (d *Decoder) DecodeRecord(rec ingest.Record, f *schemas.Fact) (relevant bool, err error) {
	if rec.Values == nil {
		return d.Decode(rec.Raw, f)
	}
	return d.decode(rec.Raw, rec.Values, f)
}

func (d *Decoder) decode(raw []byte, v *jsonscan.Values, f *schemas.Fact) (bool, error) {
	d.v, d.err = v, nil
	if err := d.check(); err != nil {
		return false, err
	}
	at, ok := timestamp.Parse(v.Bytes(fEventTime))
	if !ok {
		return false, fmt.Errorf("eventTime %.64q is no time that CloudTrail writes; use RFC 3339 in UTC", v.Text(fEventTime))
	}
	*f = schemas.Fact{Source: schemas.CloudTrail, At: at}
	relevant := d.read(raw, f)
	f.Shard = d.shardOf(f)
	if d.err != nil {
		return false, d.err
	}
	if !relevant || f.Kind == schemas.Acted && f.Call == nil {
		return relevant, nil
	}
	f.Addendum = v.Kind(fAddendum) == jsonscan.Object
	d.identify(raw, f)
	return d.err == nil, d.err
}

// read tells by name and identity what an event proves, and sets kind, payload
// and handles of f; false when it proves nothing.
func (d *Decoder) read(raw []byte, f *schemas.Fact) bool {
	name, source := d.bytes(fEventName), d.bytes(fEventSource)
	if string(name) == "AssumeRoleWithSAML" {
		if string(source) != "sts.amazonaws.com" && len(source) > 0 {
			return false
		}
		f.Kind = schemas.AssumeFailed
		if d.succeeded() {
			f.Kind = schemas.Assumed
		}
		d.assumed(f)
		return true
	}
	if fam := familyOf(name, source); fam != plain {
		if d.proves(fam, raw, f) {
			return true
		}
		*f = schemas.Fact{Source: f.Source, At: f.At}
	}
	switch string(d.bytes(fIdentityType)) {
	case "AssumedRole":
		if len(d.bytes(fPrincipalID)) == 0 {
			return false
		}
		f.Kind = schemas.Acted
		d.acted(raw, f)
		return true
	case "IdentityCenterUser", "Unknown":
		if isPortalEvent(string(source), string(name)) && d.portalUsed(f) {
			f.Kind = schemas.PortalUsed
			return true
		}
	}
	return false
}

var (
	errNoTime = errors.New("not a CloudTrail record: no eventTime; check that the file is a CloudTrail log")
	errNoName = errors.New("not a CloudTrail record: no eventName; check that the file is a CloudTrail log")
)

// check refuses what is no CloudTrail event at all.
func (d *Decoder) check() error {
	switch {
	case d.absent(fEventTime):
		return errNoTime
	case d.absent(fEventName):
		return errNoName
	}
	d.bytes(fEventTime)
	d.bytes(fEventName)
	if k := d.v.Kind(fIdentity); k > jsonscan.Null && k != jsonscan.Object {
		d.wrongType(fIdentity, "an object")
	}
	return d.err
}

// shardOf names the shard by the account that received the event, else the
// role's, else the caller's.
func (d *Decoder) shardOf(f *schemas.Fact) string {
	account := d.bytes(fRecipient)
	if len(account) == 0 && f.Assume != nil {
		account = []byte(f.Assume.Account)
	}
	if len(account) == 0 {
		account = d.bytes(fIdentityAccount)
	}
	if len(account) == 0 && f.Entry != nil {
		account = []byte(f.Entry.Account)
	}
	region := d.bytes(fRegion)
	if last := &d.last; last.name == "" || last.account != string(account) || last.region != string(region) {
		last.account, last.region = intern.Valid(account), intern.Valid(region)
		last.name = schemas.AWSShard(last.account, last.region)
	}
	return d.last.name
}

// identify sets the id and the hash of the fact.
func (d *Decoder) identify(raw []byte, f *schemas.Fact) {
	// Id and hash are in no other event, so they share one allocation.
	var buf [96]byte
	b := appendHash(buf[:0], hash(raw))
	n := len(b)
	if id := d.bytes(fEventID); len(id) == 0 {
		sum := sha256.Sum256(raw)
		b = hex.AppendEncode(append(b, "sha256:"...), sum[:])
	} else {
		b = append(b, id...)
	}
	s := intern.Valid(b)
	f.Hash, f.ID = s[:n], s[n:]
}

func hash(raw []byte) uint64 { return xxhash.Sum64(raw) }

// appendHash appends a hash in 16 hex digits.
func appendHash(b []byte, h uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[h>>shift&15])
	}
	return b
}

// absent reports a field that is missing, null or an empty string.
func (d *Decoder) absent(slot int) bool {
	k := d.v.Kind(slot)
	return k <= jsonscan.Null || k == jsonscan.String && len(d.v.Raw(slot)) == 2
}

// bytes reads a field that must be a string, if it is there.
func (d *Decoder) bytes(slot int) []byte {
	if k := d.v.Kind(slot); k > jsonscan.Null && k != jsonscan.String {
		d.wrongType(slot, "a string")
	}
	return d.v.Bytes(slot)
}

// string is bytes as a string that may be kept.
func (d *Decoder) string(slot int) string { return d.text.Get(d.bytes(slot)) }

// first is the first of the fields that says anything.
func (d *Decoder) first(slots ...int) string {
	for _, slot := range slots {
		if s := d.string(slot); s != "" {
			return s
		}
	}
	return ""
}

// errorCode is the code of a failed call. CloudTrail writes a string, and "200"
// in some events that succeeded, which exports may turn into a number.
func (d *Decoder) errorCode() []byte {
	if d.v.Kind(fErrorCode) == jsonscan.Number {
		return d.v.Raw(fErrorCode)
	}
	return d.bytes(fErrorCode)
}

func (d *Decoder) wrongType(slot int, want string) {
	if d.err == nil {
		d.err = fmt.Errorf("%s is %s where CloudTrail writes %s; mend or remove the record", paths[slot], d.v.Kind(slot), want)
	}
}
