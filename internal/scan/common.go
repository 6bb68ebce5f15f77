package scan

import (
	"slices"

	"jitaudit/schemas"
)

// common are the facts that concern nobody in particular, by what they are about.
type common struct{ by map[topic][]*schemas.Fact }

// topic is what such a fact is about: an Okta group or condition, or a role.
type topic struct {
	kind schemas.FactKind // of the facts that are about it
	// in is the Okta org, or the account.
	in, id string
}

func newCommon(facts []*schemas.Fact) *common {
	c := &common{by: make(map[topic][]*schemas.Fact)}
	for _, f := range facts {
		t := topic{kind: f.Kind}
		switch f.Kind {
		case schemas.SnapshotComplete:
			t.in, t.id = f.Snapshot.Org, f.Snapshot.Group.ID
		case schemas.ConditionSet:
			t.in, t.id = f.Who.Org, f.Condition.ID
		case schemas.SessionsRevoked:
			t.in, t.id = f.Revocation.Account, f.Revocation.Role
		}
		c.by[t] = append(c.by[t], f)
	}
	return c
}

// concerning are those that somebody's facts have to do with. To be given more
// would change nothing, but take time.
func (c *common) concerning(facts []*schemas.Fact) (out []*schemas.Fact) {
	if len(c.by) == 0 {
		return nil
	}
	var seen []topic
	for _, f := range facts {
		t, ok := topicOf(f)
		if !ok || c.by[t] == nil || slices.Contains(seen, t) {
			continue
		}
		seen = append(seen, t)
		out = append(out, c.by[t]...)
	}
	return out
}

// topicOf is what a person's fact has to do with.
func topicOf(f *schemas.Fact) (topic, bool) {
	switch f.Kind {
	case schemas.GroupAdded, schemas.GroupRemoved:
		return topic{schemas.SnapshotComplete, f.Who.Org, f.Group.ID}, true
	case schemas.MemberObserved:
		return topic{schemas.SnapshotComplete, f.Who.Org, f.Member.ID}, true
	case schemas.Requested:
		return topic{schemas.ConditionSet, f.Who.Org, f.Request.Condition}, f.Request.Condition != ""
	case schemas.Assumed:
		return topic{schemas.SessionsRevoked, f.Assume.Account, f.Assume.Role}, true
	}
	return topic{}, false
}
