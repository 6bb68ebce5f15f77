package wire

import (
	"encoding/binary"

	"jitaudit/schemas"
)

// hasRare are the bits of the payloads that few facts have.
func hasRare(f *schemas.Fact) uint64 {
	return flag(f.Member != nil, hasMember) | flag(f.Snapshot != nil, hasSnapshot) | flag(f.Assignment != nil, hasAssignment) |
		flag(f.Request != nil, hasRequest) | flag(f.Condition != nil, hasCondition) | flag(f.Rename != nil, hasRename) |
		flag(f.Chain != nil, hasChain) | flag(f.Deed != nil, hasDeed) | flag(f.Entry != nil, hasEntry) | flag(f.Revocation != nil, hasRevocation)
}

// appendRare adds them in the order of their bits.
func appendRare(b []byte, f *schemas.Fact) []byte {
	if m := f.Member; m != nil {
		b = appendStrings(b, []*string{&m.ID, &m.Name})
	}
	if s := f.Snapshot; s != nil {
		b = appendTime(appendTime(b, s.From), s.To)
		b = binary.AppendVarint(b, int64(s.Members))
		b = appendStrings(b, snapshotFields(s))
	}
	if a := f.Assignment; a != nil {
		b = appendStrings(b, assignmentFields(a))
	}
	if q := f.Request; q != nil {
		b = appendRequest(b, q)
	}
	if c := f.Condition; c != nil {
		b = binary.AppendVarint(b, c.Seconds)
		b = appendString(b, c.ID)
	}
	if r := f.Rename; r != nil {
		b = appendStrings(b, []*string{&r.Old, &r.New})
	}
	if c := f.Chain; c != nil {
		b = appendStrings(appendTime(b, c.Expires), chainFields(c))
	}
	if d := f.Deed; d != nil {
		b = appendStrings(append(b, bit(d.Failed, 1)), deedFields(d))
	}
	if e := f.Entry; e != nil {
		b = appendString(b, string(e.Way))
		b = appendStrings(b, entryFields(e))
	}
	if r := f.Revocation; r != nil {
		b = appendStrings(appendTime(b, r.Before), []*string{&r.Account, &r.Role})
	}
	return b
}

// rare reads them.
func (r *reader) rare(f *schemas.Fact, has uint64) {
	if has&hasMember != 0 {
		f.Member = &schemas.Group{ID: r.string(), Name: r.string()}
	}
	if has&hasSnapshot != 0 {
		f.Snapshot = &schemas.Snapshot{From: r.time(), To: r.time(), Members: int(r.varint())}
		r.strings(snapshotFields(f.Snapshot))
	}
	if has&hasAssignment != 0 {
		f.Assignment = &schemas.Assignment{}
		r.strings(assignmentFields(f.Assignment))
	}
	if has&hasRequest != 0 {
		f.Request = r.request()
	}
	if has&hasCondition != 0 {
		f.Condition = &schemas.Condition{Seconds: r.varint(), ID: r.string()}
	}
	if has&hasRename != 0 {
		f.Rename = &schemas.Rename{Old: r.string(), New: r.string()}
	}
	if has&hasChain != 0 {
		f.Chain = &schemas.Chain{Expires: r.time()}
		r.strings(chainFields(f.Chain))
	}
	if has&hasDeed != 0 {
		f.Deed = &schemas.Deed{Failed: r.byte() != 0}
		r.strings(deedFields(f.Deed))
	}
	if has&hasEntry != 0 {
		f.Entry = &schemas.Entry{Way: schemas.EntryWay(r.string())}
		r.strings(entryFields(f.Entry))
	}
	if has&hasRevocation != 0 {
		f.Revocation = &schemas.Revocation{Before: r.time(), Account: r.string(), Role: r.string()}
	}
}

func snapshotFields(s *schemas.Snapshot) []*string {
	return []*string{&s.Org, &s.Group.ID, &s.Group.Name}
}

func assignmentFields(a *schemas.Assignment) []*string {
	return []*string{&a.Account, &a.PermissionSet, &a.Actor.ID, &a.Actor.Type, &a.Actor.AlternateID, &a.Actor.Name}
}

func chainFields(c *schemas.Chain) []*string {
	return []*string{&c.Account, &c.Role, &c.RoleARN, &c.PrincipalID, &c.AccessKeyID, &c.SharedID}
}

func deedFields(d *schemas.Deed) []*string {
	return []*string{
		&d.Action, &d.Object, &d.ObjectID, &d.ObjectType, &d.Account,
		&d.Actor.ID, &d.Actor.Type, &d.Actor.AlternateID, &d.Actor.Name,
	}
}

func entryFields(e *schemas.Entry) []*string {
	return []*string{&e.Action, &e.Account, &e.Role, &e.RoleARN, &e.Provider, &e.PrincipalID, &e.AccessKeyID, &e.IP, &e.UserAgent}
}

func requestFields(q *schemas.Request) []*string {
	return []*string{
		&q.ID, &q.GroupID, &q.Group, &q.AppID, &q.Account, &q.Role, &q.Condition, &q.Subject, &q.Justification,
		&q.Requester.ID, &q.Requester.Type, &q.Requester.AlternateID, &q.Requester.Name,
	}
}

func appendRequest(b []byte, q *schemas.Request) []byte {
	b = appendTime(appendTime(b, q.From), q.Until)
	b = binary.AppendVarint(b, q.Seconds)
	b = appendString(appendString(b, string(q.Step)), string(q.Origin))
	b = appendStrings(b, requestFields(q))
	b = binary.AppendUvarint(b, uint64(len(q.Approvers)))
	for i := range q.Approvers {
		b = appendStrings(b, actorFields(&q.Approvers[i]))
	}
	return b
}

func (r *reader) request() *schemas.Request {
	q := &schemas.Request{From: r.time(), Until: r.time(), Seconds: r.varint()}
	q.Step, q.Origin = schemas.RequestStep(r.string()), schemas.RequestOrigin(r.string())
	r.strings(requestFields(q))
	for range r.number() {
		if r.damaged {
			break
		}
		var a schemas.Actor
		r.strings(actorFields(&a))
		q.Approvers = append(q.Approvers, a)
	}
	return q
}

// varint reads an integer of either sign.
func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}
