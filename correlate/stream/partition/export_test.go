package partition

import (
	"fmt"
	"slices"

	"jitaudit/schemas"
	"jitaudit/schemas/topics"
)

// Amounts are the topics of all records that what is held amounts to, by id.
func (p *Partition) Amounts() map[string]string {
	out := make(map[string]string)
	for _, who := range p.persons {
		p.packer.unpack(who)
		in := p.input(who)
		now, _ := amountTo(&in)
		now = now.and(&who.frozen.records)
		named(out, topics.Grants, now.grants, func(r *schemas.Grant) string { return r.ID })
		named(out, topics.Assumptions, now.assumptions, func(r *schemas.Assumption) string { return r.ID })
		named(out, topics.Sessions, now.sessions, func(r *schemas.Session) string { return r.ID })
		named(out, topics.Findings, now.findings, func(r *schemas.Finding) string { return r.ID })
		named(out, topics.Uses, now.uses, func(r *schemas.Use) string { return r.ID })
	}
	return out
}

func named[T any](out map[string]string, topic string, all []T, id func(*T) string) {
	for i := range all {
		out[id(&all[i])] = topic
	}
}

// Uses are the role sessions whose uses persons hold.
func (p *Partition) Uses() map[string][]string {
	out := make(map[string][]string)
	for key, who := range p.persons {
		p.packer.unpack(who)
		for _, u := range who.usesList() {
			out[key] = append(out[key], u.PrincipalID)
		}
	}
	return out
}

// Facts are the ids of the facts that are held of a person.
func (p *Partition) Facts(key string) (out []string) {
	if who := p.persons[key]; who != nil {
		p.packer.unpack(who)
		for _, f := range who.list() {
			out = append(out, f.ID)
		}
	}
	return out
}

// Check says of whom something else has come out than what is held amounts to.
func (p *Partition) Check() (wrong []string) {
	for _, who := range p.persons {
		p.packer.unpack(who)
		whole := *who
		whole.facts, whole.uses = slices.Clone(who.facts), slices.Clone(who.uses)
		whole.thaw()
		in := p.input(&whole)
		now, _ := amountTo(&in)
		if rest, ok := whole.published.without(&now); !ok || len(rest.grants)+len(rest.assumptions)+len(rest.sessions)+len(rest.findings)+len(rest.uses) > 0 {
			wrong = append(wrong, fmt.Sprintf("%s: %d of %d frozen before %s", who.key, who.frozen.held, len(who.facts)+len(who.uses), who.frozen.before))
		}
	}
	return wrong
}

// SpreadOut sets how much is held unpacked.
func (p *Partition) SpreadOut(n int) { p.packer.limit = n }

// FreezeFrom sets of how many facts a person is frozen.
func (p *Partition) FreezeFrom(n int) { p.freezeFrom = n }
