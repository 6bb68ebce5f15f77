package clickhouse

import (
	"math"
	"time"
)

// scanSession reads a session as scanActivity does a call: from what json.Marshal
// makes of schemas.Session, and from nothing else.
func scanSession(s string) (sessionRow, bool) {
	var r sessionRow
	c := cursor{rest: s, ok: true}
	c.expect(`{"id":"`)
	r.id = c.text()
	c.expect(`,"person":{"key":"`)
	r.person.Key = c.text()
	c.expect(`,"name":"`)
	r.person.Name = c.text()
	r.person.Org = c.optional(`,"org":"`)
	c.expect(`},"account":"`)
	r.account = c.text()
	c.expect(`,"role":"`)
	r.role = c.text()
	c.expect(`,"session_name":"`)
	r.sessionName = c.text()
	c.expect(`,"federation":"`)
	r.federation = c.text()
	c.expect(`,"start":"`)
	r.start = c.instant()
	c.expect(`,"end":"`)
	r.end = c.instant()
	c.expect(`,"ended_by":"`)
	r.endedBy = c.text()
	r.lastUse = c.optionalInstant(`,"last_use":"`)
	c.expect(`,"assumptions":[`)
	r.assumptions = c.texts()
	r.grant = c.optional(`,"grant":"`)
	r.grants = c.someTexts(`,"grants":[`)
	c.signOn(&r)
	c.expect(`,"mfa":"`)
	r.mfa = c.text()
	c.factor(&r)
	r.origins = c.someTexts(`,"origins":[`)
	r.services = c.someTexts(`,"services":[`)
	c.each(`,"chained":[`, func() { c.chained(&r.chainedRows) })
	c.each(`,"requests":[`, func() { c.request(&r.requestRows) })
	c.expect(`,"verdict":"`)
	r.verdict = c.text()
	c.each(`,"unjudged":[`, func() { c.unjudged(&r) })
	c.expect(`,"policy":"`)
	r.policy = c.text()
	c.expect(`,"evidence":[`)
	r.evidence = c.texts()
	c.meta(&r.metaRow)
	c.expect(`}`)
	return r, c.ok && c.rest == "" && r.id != ""
}

func (c *cursor) signOn(r *sessionRow) {
	if !c.accept(`,"sign_on":{"event_id":"`) {
		return
	}
	r.signOnEventID = c.someText()
	c.expect(`,"at":"`)
	r.signOnAt = c.instant()
	c.expect(`,"joined_by":"`)
	r.signOnJoinedBy = c.text()
	r.signOnIP = c.optional(`,"ip":"`)
	c.expect(`}`)
}

func (c *cursor) factor(r *sessionRow) {
	if !c.accept(`,"factor":{"event_id":"`) {
		return
	}
	r.factorEventID = c.someText()
	c.expect(`,"at":"`)
	r.factorAt = c.instant()
	c.expect(`,"name":"`)
	r.factorName = c.text()
	c.expect(`}`)
}

func (c *cursor) chained(r *chainedRows) {
	c.expect(`{"event_id":"`)
	r.eventID = append(r.eventID, c.text())
	c.expect(`,"at":"`)
	r.at = append(r.at, c.instant())
	r.parent = append(r.parent, c.optional(`,"from":"`))
	c.expect(`,"account":"`)
	r.account = append(r.account, c.text())
	c.expect(`,"role":"`)
	r.role = append(r.role, c.text())
	c.expect(`,"role_arn":"`)
	r.roleARN = append(r.roleARN, c.text())
	r.principalID = append(r.principalID, c.optional(`,"principal_id":"`))
	r.expires = append(r.expires, c.reference(`,"expires":"`))
	r.firstUse = append(r.firstUse, c.reference(`,"first_use":"`))
	r.lastUse = append(r.lastUse, c.reference(`,"last_use":"`))
	r.services = append(r.services, present(c.someTexts(`,"services":[`)))
	r.sharedID = append(r.sharedID, c.optional(`,"shared_id":"`))
	c.expect(`}`)
}

func (c *cursor) request(r *requestRows) {
	c.expect(`{"id":"`)
	r.id = append(r.id, c.text())
	c.expect(`,"origin":"`)
	r.origin = append(r.origin, c.text())
	r.requester = append(r.requester, c.optional(`,"requester":"`))
	r.approvers = append(r.approvers, present(c.someTexts(`,"approvers":[`)))
	r.at = append(r.at, c.reference(`,"at":"`))
	r.decidedAt = append(r.decidedAt, c.reference(`,"decided_at":"`))
	r.from = append(r.from, c.reference(`,"from":"`))
	r.until = append(r.until, c.reference(`,"until":"`))
	r.subject = append(r.subject, c.optional(`,"subject":"`))
	r.justification = append(r.justification, c.optional(`,"justification":"`))
	c.expect(`,"evidence":[`)
	r.evidence = append(r.evidence, c.texts())
	c.expect(`}`)
}

func (c *cursor) unjudged(r *sessionRow) {
	c.expect(`{"rule":"`)
	r.unjudgedRule = append(r.unjudgedRule, c.text())
	c.expect(`,"reason":"`)
	r.unjudgedReason = append(r.unjudgedReason, c.text())
	r.unjudgedShard = append(r.unjudgedShard, c.optional(`,"shard":"`))
	r.unjudgedFrom = append(r.unjudgedFrom, c.reference(`,"from":"`))
	r.unjudgedTo = append(r.unjudgedTo, c.reference(`,"to":"`))
	c.expect(`}`)
}

// meta is what all results end with.
func (c *cursor) meta(r *metaRow) {
	if c.accept(`,"version":`) {
		if r.version = c.number(); r.version == 0 || r.version > math.MaxInt64 {
			c.ok = false
		}
	}
	r.observed = c.optionalInstant(`,"observed":"`)
	if c.accept(`,"deleted":true`) {
		r.deleted = 1
	}
	if r.supersededBy = c.optional(`,"superseded_by":"`); r.supersededBy != "" && r.deleted == 0 {
		c.ok = false // see saysMoreThanItsView
	}
}

// optional is a text that is left out when it is empty.
func (c *cursor) optional(key string) string {
	if !c.accept(key) {
		return ""
	}
	return c.someText()
}

func (c *cursor) optionalInstant(key string) time.Time {
	if !c.accept(key) {
		return time.Time{}
	}
	return c.instant()
}

// reference is nil for a time that is left out.
func (c *cursor) reference(key string) *time.Time {
	if !c.accept(key) {
		return nil
	}
	t := c.instant()
	return &t
}

// texts are those of a list up to its end; its beginning is behind us.
func (c *cursor) texts() []string {
	out := []string{}
	if c.accept(`]`) {
		return out
	}
	for c.ok {
		c.expect(`"`)
		out = append(out, c.text())
		if !c.accept(`,`) {
			break
		}
	}
	c.expect(`]`)
	return out
}

// someTexts are a list that is left out when it is empty.
func (c *cursor) someTexts(key string) []string {
	if !c.accept(key) {
		return nil
	}
	list := c.texts()
	if len(list) == 0 {
		c.ok = false
	}
	return list
}

// each calls read for every element of a list that is left out when it is empty.
func (c *cursor) each(key string, read func()) {
	if !c.accept(key) {
		return
	}
	for c.ok {
		read()
		if !c.accept(`,`) {
			break
		}
	}
	c.expect(`]`)
}
