package organisation

import "time"

// held is a grant with its holder.
type held struct {
	by *person
	*grant
}

// assumer is a person and a role that they assumed.
type assumer struct {
	p *person
	x *role
}

// unused plants the grants with which nobody did anything.
func (g *generator) unused() {
	if g.cfg.Planted < 0 {
		return
	}
	for _, h := range g.held {
		if g.lost(h.opened) || h.limit().IsZero() || g.used(h) {
			continue
		}
		g.truth.Planted = append(g.truth.Planted, Planted{Rule: "unused_grant", Status: "open", Person: h.by.login, Time: h.opened, Anchor: h.addID, Evidence: []string{h.addID}, Note: "no role that the grant gave was assumed while it lasted"})
	}
}

// lost reports whether an event of the Okta log fell into the hole.
func (g *generator) lost(at time.Time) bool {
	return !g.gap.From.IsZero() && !at.Before(g.gap.From) && at.Before(g.gap.To)
}

func (g *generator) used(h held) bool {
	for _, x := range h.group.targets {
		for _, t := range g.assumed[assumer{h.by, x}] {
			if !t.Before(h.opened.Add(-propagationDelay)) && !t.After(h.limit()) {
				return true
			}
		}
	}
	return false
}
