package wire

import (
	"encoding/binary"

	"jitaudit/schemas"
)

// The bits that say which payloads a fact has. Those that most facts have come
// first, as they are written in as few bytes as hold them.
const (
	hasGroup = 1 << iota
	hasSignOn
	hasFactor
	hasAssume
	hasPortal
	hasCall
	hasMember
	hasSnapshot
	hasAssignment
	hasRequest
	hasCondition
	hasRename
	hasChain
	hasDeed
	hasEntry
	hasRevocation
)

// ReadFact reads the rest of the record of a fact. Its strings are cut from the
// record.
func (h *Head) ReadFact() (*schemas.Fact, error) {
	f := &schemas.Fact{ID: h.ID(), Hash: hashText(h)}
	return f, h.ReadBody(f)
}

// ReadBody is ReadFact without ID and Hash, into f.
func (h *Head) ReadBody(f *schemas.Fact) error {
	*f = schemas.Fact{ID: f.ID, Hash: f.Hash, Addendum: h.Addendum}
	r := reader{s: h.body}
	f.At = r.time()
	f.Kind, f.Source, f.Shard = schemas.FactKind(r.string()), schemas.Source(r.string()), r.string()
	for _, s := range identityFields(&f.Who) {
		*s = r.string()
	}
	has := r.uvarint()
	if has&hasGroup != 0 {
		f.Group = &schemas.GroupChange{}
		r.strings(groupFields(f.Group))
	}
	if has&hasSignOn != 0 {
		f.SignOn = &schemas.SignOn{}
		r.strings(signOnFields(f.SignOn))
	}
	if has&hasFactor != 0 {
		f.Factor = r.factor()
	}
	if has&hasAssume != 0 {
		f.Assume = r.assume()
	}
	if has&hasPortal != 0 {
		f.Portal = r.portal()
	}
	if has&hasCall != 0 {
		f.Call = r.call()
	}
	if has >= hasMember {
		r.rare(f, has)
	}
	return r.err()
}

func hashText(h *Head) string {
	if h.flags&shortHash == 0 {
		return h.Hash
	}
	const digits = "0123456789abcdef"
	var b [16]byte
	for i := range len(h.Hash) {
		b[2*i], b[2*i+1] = digits[h.Hash[i]>>4], digits[h.Hash[i]&15]
	}
	return string(b[:])
}

func appendFact(b []byte, f *schemas.Fact) []byte {
	b = appendString(b, string(f.Kind))
	b = appendString(b, string(f.Source))
	b = appendString(b, f.Shard)
	b = appendStrings(b, identityFields(&f.Who))
	has := flag(f.Group != nil, hasGroup) | flag(f.SignOn != nil, hasSignOn) | flag(f.Factor != nil, hasFactor) |
		flag(f.Assume != nil, hasAssume) | flag(f.Portal != nil, hasPortal) | flag(f.Call != nil, hasCall) | hasRare(f)
	b = binary.AppendUvarint(b, has)
	if f.Group != nil {
		b = appendStrings(b, groupFields(f.Group))
	}
	if f.SignOn != nil {
		b = appendStrings(b, signOnFields(f.SignOn))
	}
	if f.Factor != nil {
		b = appendFactor(b, f.Factor)
	}
	if f.Assume != nil {
		b = appendAssume(b, f.Assume)
	}
	if f.Portal != nil {
		b = append(b, bit(f.Portal.Failed, 1))
		b = appendStrings(b, portalFields(f.Portal))
	}
	if f.Call != nil {
		b = appendCall(b, f.Call)
	}
	if has >= hasMember {
		b = appendRare(b, f)
	}
	return b
}

func flag(set bool, f uint64) uint64 {
	if set {
		return f
	}
	return 0
}

func appendStrings(b []byte, fields []*string) []byte {
	for _, s := range fields {
		b = appendString(b, *s)
	}
	return b
}

func (r *reader) strings(fields []*string) {
	for _, s := range fields {
		*s = r.string()
	}
}

func identityFields(w *schemas.Identity) []*string {
	return []*string{
		&w.Org, &w.OktaUserID, &w.Login, &w.NameID, &w.SessionName,
		&w.AssertionID, &w.SourceIdentity, &w.PortalUserID, &w.Email, &w.IAMUser, &w.Name,
	}
}

func groupFields(g *schemas.GroupChange) []*string {
	return []*string{&g.ID, &g.Name, &g.Actor.ID, &g.Actor.Type, &g.Actor.AlternateID, &g.Actor.Name}
}

func actorFields(a *schemas.Actor) []*string {
	return []*string{&a.ID, &a.Type, &a.AlternateID, &a.Name}
}

func signOnFields(s *schemas.SignOn) []*string {
	return []*string{
		&s.AppID, &s.AppLabel, &s.Issuer, &s.Audience,
		&s.SessionID, &s.RootSessionID, &s.IP, &s.UserAgent,
	}
}

func appendFactor(b []byte, f *schemas.Factor) []byte {
	b = append(b, bit(f.UserVerified, 1))
	b = appendString(b, string(f.Class))
	return appendStrings(b, []*string{&f.Name, &f.SessionID, &f.RootSessionID})
}

func (r *reader) factor() *schemas.Factor {
	f := &schemas.Factor{UserVerified: r.byte() != 0}
	f.Class = schemas.FactorClass(r.string())
	r.strings([]*string{&f.Name, &f.SessionID, &f.RootSessionID})
	return f
}

func assumeFields(a *schemas.Assume) []*string {
	return []*string{
		&a.Account, &a.Role, &a.RoleARN, &a.ProviderARN, &a.Issuer, &a.PrincipalID, &a.AccessKeyID,
		&a.IP, &a.UserAgent, &a.Region, &a.ErrorCode, &a.ErrorMessage,
	}
}

func appendAssume(b []byte, a *schemas.Assume) []byte {
	q := a.QualifierMatches
	b = append(b, bit(a.Browser, 1)|bit(q != nil, 2)|bit(q != nil && *q, 4))
	b = appendTime(b, a.Expires)
	b = appendString(b, string(a.Federation))
	return appendStrings(b, assumeFields(a))
}

func (r *reader) assume() *schemas.Assume {
	flags := r.byte()
	a := &schemas.Assume{Browser: flags&1 != 0}
	if flags&2 != 0 {
		matches := flags&4 != 0
		a.QualifierMatches = &matches
	}
	a.Expires = r.time()
	a.Federation = schemas.Federation(r.string())
	r.strings(assumeFields(a))
	return a
}

func portalFields(p *schemas.Portal) []*string {
	return []*string{&p.Event, &p.Account, &p.Role, &p.UserName}
}

func (r *reader) portal() *schemas.Portal {
	p := &schemas.Portal{Failed: r.byte() != 0}
	r.strings(portalFields(p))
	return p
}

func appendCall(b []byte, c *schemas.Call) []byte {
	b = append(b, byte(flagsOf(c.Console, c.ServiceDriven, c.Denied, c.ReadOnly)))
	b = appendTime(b, c.CreatedAt)
	return appendStrings(b, callFields(c))
}

func (r *reader) call() *schemas.Call {
	flags := Flags(r.byte())
	c := &schemas.Call{
		Console: flags.Has(Console), ServiceDriven: flags.Has(ServiceDriven),
		Denied: flags.Has(Denied), ReadOnly: flags.Has(ReadOnly),
	}
	c.CreatedAt = r.time()
	r.strings(callFields(c))
	return c
}

func callFields(c *schemas.Call) []*string {
	return []*string{&c.PrincipalID, &c.AccessKeyID, &c.RoleARN, &c.Service, &c.Action}
}
