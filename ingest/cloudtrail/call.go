package cloudtrail

import (
	"strings"
	"time"

	"jitaudit/ingest/jsonscan"
	"jitaudit/schemas"
)

// denials are parts of the error codes by which AWS services refuse a call for
// want of permission; each service has its own spelling (EC2 writes
// Client.UnauthorizedOperation, most others AccessDenied or
// AccessDeniedException).
var denials = [...]string{
	"AccessDenied", "UnauthorizedOperation", "UnauthorizedAccess", "UnauthorizedException",
	"NotAuthorized", "AuthorizationError", "Forbidden",
}

// Bare is a call reduced to what is counted and joined. Nearly every record is
// a call, so that what a Fact costs beyond this is most of what decoding costs.
type Bare struct {
	// ID is the event id, a UUID in lower case, and Hash what Fact.Hash spells.
	ID       [16]byte
	Hash     uint64
	Addendum bool

	// Credential is without key where the console or a service made the call:
	// the console takes a new key per request.
	Credential *Credential
	Service    *Service

	Console, ServiceDriven, Denied, ReadOnly bool
}

// Credential is by what a call was made, as in schemas.Call. Many calls share
// one, and while it is remembered they get the same pointer. Mark is the
// caller's, to note what else is known about it; it is 0 at first.
type Credential struct {
	PrincipalID, AccessKeyID string
	// RoleARN is the role that the session is of. All that a principal does is of
	// one role, but some events do not name it.
	RoleARN   string
	CreatedAt time.Time
	Mark      uint32

	created string // CreatedAt as it was written
}

// Service is the service that was called, as in schemas.Call; Mark is as in
// Credential.
type Service struct {
	Name string
	Mark uint32

	source string
}

// acted reads a call that was made with an assumed role (CloudTrail
// userIdentity element). A ConsoleLogin may come without session context and key.
func (d *Decoder) acted(raw []byte, f *schemas.Fact) {
	h := d.hand()
	b := &d.bare
	if d.Bare && parseUUID(d.bytes(fEventID), &b.ID) {
		if b.Console || b.ServiceDriven {
			h.key = nil
		}
		b.Hash, b.Credential = hash(raw), d.text.credential(h.principal, h.key, h.created, h.role)
		return
	}
	d.called(f, &h)
}

// hand is by what a call was made, and what names who did.
type hand struct{ principal, key, created, role, sourceIdentity, portalUser []byte }

// hand reads a call into d.bare, all but its credential. What is not kept of a
// bare call must be of the right type nevertheless.
func (d *Decoder) hand() hand {
	v := d.v
	h := hand{
		principal: d.bytes(fPrincipalID), key: d.bytes(fAccessKey), created: d.bytes(fCreated), role: d.bytes(fIssuerARN),
		sourceIdentity: d.bytes(fSessionSourceIdentity), portalUser: d.bytes(fOnBehalfOf),
	}
	d.bare = Bare{
		Addendum:      v.Kind(fAddendum) == jsonscan.Object,
		Service:       d.text.service(d.bytes(fEventSource)),
		Console:       v.True(fConsole) || v.True(fConsoleAttribute),
		ServiceDriven: v.Kind(fInvokedBy) > jsonscan.Null,
		Denied:        denied(d.errorCode()),
		ReadOnly:      v.True(fReadOnly),
	}
	return h
}

// called sets the call of f in full.
func (d *Decoder) called(f *schemas.Fact, h *hand) {
	b := &d.bare
	b.Credential = d.text.credential(h.principal, h.key, h.created, h.role)
	_, f.Who.SessionName, _ = strings.Cut(b.Credential.PrincipalID, ":")
	f.Who.SourceIdentity, f.Who.PortalUserID = d.text.Get(h.sourceIdentity), d.text.Get(h.portalUser)
	d.call = schemas.Call{
		PrincipalID:   b.Credential.PrincipalID,
		AccessKeyID:   b.Credential.AccessKeyID,
		RoleARN:       b.Credential.RoleARN,
		CreatedAt:     b.Credential.CreatedAt,
		Console:       b.Console,
		ServiceDriven: b.ServiceDriven,
		Service:       b.Service.Name,
		Action:        d.text.Get(d.bytes(fEventName)),
		Denied:        b.Denied,
		ReadOnly:      b.ReadOnly,
	}
	f.Call = &d.call
}

func denied(code []byte) bool {
	if len(code) == 0 {
		return false
	}
	for _, part := range denials {
		if strings.Contains(string(code), part) {
			return true
		}
	}
	return false
}

// nibbles are the values of hexadecimal digits in lower case; all else has the
// high bit set.
var nibbles = func() (t [256]byte) {
	for i := range t {
		t[i] = 0x80
	}
	for i, c := range []byte("0123456789abcdef") {
		t[c] = byte(i)
	}
	return t
}()

// parseUUID reads a UUID that formatting gives back as it was.
func parseUUID(b []byte, id *[16]byte) bool {
	if len(b) != 36 || b[8] != '-' || b[13] != '-' || b[18] != '-' || b[23] != '-' {
		return false
	}
	var bad byte
	for i, at := range [16]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34} {
		high, low := nibbles[b[at]], nibbles[b[at+1]]
		bad |= high | low
		id[i] = high<<4 | low
	}
	return bad < 0x80
}
