package organisation

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
)

// losses takes the hole out of the Okta log.
func (g *generator) losses() {
	if g.gap.From.IsZero() {
		return
	}
	g.okta = slices.DeleteFunc(g.okta, func(ev Event) bool { return !ev.At.Before(g.gap.From) && ev.At.Before(g.gap.To) })
}

// copies delivers some events twice, some of them with an addendum. Only events
// that prove something about a session are copied, so that the counts in the
// truth hold whatever else is left aside as irrelevant.
func (g *generator) copies() {
	r := g.stream("copies")
	for _, ev := range g.okta[:len(g.okta):len(g.okta)] {
		if oktaRelevant(&ev) && chance(r, 2) {
			ev.Seen = ev.Seen.Add(between(r, time.Second, 20*time.Second)) // a poll that was repeated
			g.okta = append(g.okta, ev)
			g.truth.Records.Okta.Duplicates++
		}
	}
	for _, ev := range g.trail[:len(g.trail):len(g.trail)] {
		if !trailRelevant(&ev) || !chance(r, 2) {
			continue
		}
		ev.Seen = ev.Seen.Add(between(r, 6*time.Minute, 30*time.Minute))
		if chance(r, 40) {
			ev.addendum = pick(r, []string{"DELIVERY_DELAY", "UPDATED_DATA"})
			g.truth.Records.CloudTrail.Corrected++
		} else {
			g.truth.Records.CloudTrail.Duplicates++
		}
		g.trail = append(g.trail, ev)
	}
}

func oktaRelevant(ev *Event) bool {
	b := ev.body.(*oktaBody)
	switch b.typ {
	case "user.authentication.sso":
		return b.result == "" && bytes.Contains(ev.AppendJSON(nil), []byte(`amazon_aws`))
	case "application.user_membership.add", "application.user_membership.remove", "access.request.create", "access.request.resolve",
		"application.lifecycle.update", "system.log_stream.lifecycle.deactivate", "user.account.update_primary_email":
		return b.result == ""
	case "group.user_membership.add", "group.user_membership.remove":
		for _, t := range b.target {
			if t.typ == "UserGroup" && (strings.HasPrefix(t.display, "aws#") || strings.HasPrefix(t.display, "aws_(")) {
				return true
			}
		}
	}
	return false
}

func trailRelevant(ev *Event) bool {
	switch b := ev.body.(type) {
	case *assumption:
		return b.errorCode == ""
	case *deed:
		h, ok := b.by.(*hand)
		return ok && h.of.saml != "none"
	case *call:
		return b.of.saml != "none" // whose credentials came otherwise may be nobody
	}
	return false
}

// fill brings both logs to the numbers asked for.
func (g *generator) fill() error {
	if n := g.cfg.Records; n > 0 {
		if len(g.trail) > n {
			return fmt.Errorf("organisation: Records must be at least %d for %d people in %d days (got %d)", len(g.trail), g.cfg.People, g.cfg.Days, n)
		}
		g.trail = slices.Grow(g.trail, n-len(g.trail))
		s := &scene{g: g, r: g.stream("fill/cloudtrail")}
		for len(g.trail) < n {
			if u := s.spare(); u != nil && s.r.IntN(3) > 0 {
				s.call(u.of, u.from.Add(seconds(s.r, 0, u.until.Sub(u.from)+time.Second)))
				continue
			}
			s.trailNoise(g.cfg.Start.Add(seconds(s.r, 0, time.Duration(g.cfg.Days)*24*time.Hour)))
		}
	}
	if n := g.cfg.OktaEvents; n > 0 {
		if len(g.okta) > n {
			return fmt.Errorf("organisation: OktaEvents must be at least %d for %d people in %d days (got %d)", len(g.okta), g.cfg.People, g.cfg.Days, n)
		}
		s := &scene{g: g, r: g.stream("fill/okta")}
		for len(g.okta) < n {
			s.p = pick(s.r, g.people)
			s.oktaNoise(g.cfg.Start.Add(between(s.r, 0, time.Duration(g.cfg.Days)*24*time.Hour)))
		}
	}
	return nil
}

func (s *scene) spare() *usable {
	if len(s.g.honest) == 0 {
		return nil
	}
	return &s.g.honest[s.r.IntN(len(s.g.honest))]
}

// history puts the events into the order in which the logs hand them out.
func (g *generator) history() *History {
	order := func(a, b Event) int {
		if c := a.Seen.Compare(b.Seen); c != 0 {
			return c
		}
		if c := bytes.Compare(a.id[:], b.id[:]); c != 0 {
			return c
		}
		return len(a.addendum) - len(b.addendum)
	}
	slices.SortFunc(g.okta, order)
	slices.SortFunc(g.trail, order)
	slices.SortFunc(g.approvals, order)
	g.truth.Records.Okta.Read, g.truth.Records.CloudTrail.Read = len(g.okta), len(g.trail)
	if g.truth.Planted == nil {
		g.truth.Planted, g.truth.NearMisses = []Planted{}, []NearMiss{}
	}
	return &History{Config: g.cfg, Okta: g.okta, CloudTrail: g.trail, Approvals: g.approvals, Listings: g.listings, Truth: g.truth, Policy: g.policy()}
}
