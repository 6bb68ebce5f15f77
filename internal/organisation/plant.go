package organisation

import (
	"fmt"
	"strings"
	"time"
)

// play is a scene of the truth: a breach or a near miss.
type play struct {
	name string
	note string
	act  func(*scene)
	// kinds are the people it can happen to; by default all whom an event or
	// the policy ties to their session name whether or not they signed on.
	kinds []nameKind
	// day is where it has to happen; nil for any day.
	day func(g *generator, day int) bool
	// near is the start of the zones whose people it can happen to, where a
	// time of another zone matters.
	near string
	// outside are plays beyond the working days; at is their day.
	outside bool
	at      int
	// nobody are plays without an employee.
	nobody bool
}

// plant plays all breaches, again until there are enough, and each near miss
// once.
func (g *generator) plant() error {
	for round := 0; ; round++ {
		for _, b := range breaches(g) {
			if round > 0 && (b.outside || len(g.truth.Planted) >= g.cfg.Planted) {
				continue
			}
			if err := g.play(b, round); err != nil {
				return err
			}
		}
		if len(g.truth.Planted) >= g.cfg.Planted {
			break
		}
	}
	for _, n := range nearMisses(g) {
		if err := g.play(n, 0); err != nil {
			return err
		}
	}
	g.truth.sort()
	return nil
}

func (g *generator) play(p play, round int) error {
	s := &scene{g: g, r: g.stream("play/"+p.name, round), note: p.note}
	if p.nobody {
		s.day = s.r.IntN(g.cfg.Days)
		s.p = &person{zone: mustZone("Europe/Berlin"), shift: 9, reserved: map[*role][]int{}}
		p.act(s)
		return nil
	}
	if !s.cast(p) {
		return fmt.Errorf("organisation: %d people in %d days are too few for what is to be planted; about 90 free days of people are needed", g.cfg.People, g.cfg.Days)
	}
	p.act(s)
	return nil
}

// cast finds a person and a day on which nothing else happens to them.
func (s *scene) cast(p play) bool {
	g := s.g
	for _, n := range s.r.Perm(len(g.people)) {
		who := g.people[n]
		if !suits(who, p.kinds) || !strings.HasPrefix(who.place.zone, p.near) {
			continue
		}
		if p.outside {
			if !g.busy[[2]int{n, p.at}] && who.spare(p.at) {
				g.busy[[2]int{n, p.at}] = true
				s.p, s.day = who, p.at
				return true
			}
			continue
		}
		for _, day := range s.r.Perm(g.cfg.Days) {
			if g.busy[[2]int{n, day}] || !who.spare(day) || p.day != nil && !p.day(g, day) {
				continue
			}
			g.busy[[2]int{n, day}] = true
			s.p, s.day = who, day
			return true
		}
	}
	return false
}

func suits(p *person, kinds []nameKind) bool {
	if len(kinds) == 0 {
		return p.kind != bySubject
	}
	for _, k := range kinds {
		if p.kind == k {
			return true
		}
	}
	return false
}

// weekday is a day on which the office hours of account 0 apply.
func weekday(g *generator, day int) bool {
	return g.accounts[0].hours.contain(g.localTime(g.accounts[0].hours.zone, day, 12, 0, 0))
}

// welcome adds everybody to the staff, so that the log knows them.
func (g *generator) welcome() {
	r := g.stream("welcome")
	staff := &group{id: "00g" + token(r, base62, 17), name: "Employees"}
	at := g.truth.Complete.From.Add(10 * time.Minute)
	for _, p := range g.people {
		s := &scene{g: g, r: g.stream("welcome", p.n), p: p}
		at = at.Add(between(s.r, 20*time.Millisecond, 300*time.Millisecond))
		s.okta(at, &oktaBody{typ: "group.user_membership.add", legacy: "core.user_group_member.user_add", display: "Add user to group membership",
			actor: actor{id: "hrimport", typ: "SystemPrincipal", alternate: "system@okta.com", display: "Okta System"}, bare: true, job: true, target: []actor{p.user(), staff.target()}, debug: []string{"reason", "HR import"}})
	}
}
